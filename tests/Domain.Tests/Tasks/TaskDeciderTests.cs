// The life of a task that goes well: accept, start, attach, complete; and its end by a person.
using Framelease.Domain.Tasks;
using static Framelease.Domain.Tests.Tasks.TaskFixtures;

namespace Framelease.Domain.Tests.Tasks;

public class TaskDeciderTests
{
    public class Accept
    {
        [Fact]
        public void An_accepted_task_is_admitted_and_its_scene_queued() =>
            Given().When(new TaskCommand.Accept(Accepted)).Then(Accepted, Admitted, Queued);

        [Fact]
        public void Every_scene_is_queued()
        {
            var spec = Accepted with { Scenes = 3 };
            Given().When(new TaskCommand.Accept(spec)).Then(spec, Admitted, Queued, Queued with { Scene = 1 }, Queued with { Scene = 2 });
        }

        [Fact]
        public void A_repeat_changes_nothing_also_after_the_end()
        {
            Given(ToQueued).When(new TaskCommand.Accept(Accepted)).ThenNothing();
            Given(ToSucceeded).When(new TaskCommand.Accept(Accepted)).ThenNothing();
        }

        [Fact]
        public void A_changed_spec_does_not_replace_the_accepted_one() =>
            Given(ToQueued).When(new TaskCommand.Accept(Accepted with { SpecHash = "hash-2" })).ThenRefused("SpecChanged", "hash-1");

        [Fact]
        public void A_rejected_task_stays_rejected() =>
            Given(new TaskRejected("UnknownEngine", "no")).When(new TaskCommand.Accept(Accepted)).ThenRefused("TaskEnded", "Rejected");

        [Fact]
        public void A_task_that_was_cancelled_before_it_was_seen_is_not_accepted_any_more() =>
            Given(Cancelled).When(new TaskCommand.Accept(Accepted)).ThenRefused("TaskEnded", "Cancelled");

        [Theory]
        [InlineData(0, 1)]
        [InlineData(-1, 1)]
        [InlineData(1, -1)]
        public void A_task_that_could_never_end_is_refused(int scenes, int backoffLimit) =>
            Given().When(new TaskCommand.Accept(Accepted with { Scenes = scenes, BackoffLimit = backoffLimit })).ThenRefused("InvalidSpec");
    }

    public class Reject
    {
        static readonly TaskCommand No = new TaskCommand.Reject("UnknownEngine", "there is no engine \"x\"");

        [Fact]
        public void A_bad_spec_is_rejected() => Given().When(No).Then(new TaskRejected("UnknownEngine", "there is no engine \"x\""));

        [Fact]
        public void A_repeat_changes_nothing() => Given(new TaskRejected("UnknownEngine", "no")).When(No).ThenNothing();

        [Fact]
        public void What_was_accepted_is_not_rejected_any_more() => Given(ToQueued).When(No).ThenRefused("AlreadyAccepted");
    }

    public class ExceedDeadline
    {
        static readonly TaskAccepted Short = Accepted with { ActiveDeadlineSeconds = 60 };
        static readonly object[] ToQueuedShort = [Short, Admitted, Queued];

        static TaskCommand At(int seconds) => new TaskCommand.ExceedDeadline(Noon.AddSeconds(seconds));

        [Fact]
        public void A_task_that_has_not_ended_at_its_deadline_fails_queued_or_at_work()
        {
            var failed = new TaskFailed(
                "DeadlineExceeded", "the task had not ended 60 s (activeDeadlineSeconds) after its acceptance at 2026-03-01 12:00:00Z");
            Given(ToQueuedShort).When(At(60)).Then(failed);
            Given([.. ToQueuedShort, Started, Attached]).When(At(61)).Then(failed);
        }

        [Fact]
        public void Before_it_nothing_ends() => Given(ToQueuedShort).When(At(59)).ThenRefused("NotDue", "12:01:00");

        [Fact]
        public void A_task_without_one_may_take_as_long_as_it_takes() => Given(ToQueued).When(At(99_999_999)).ThenRefused("NoDeadline");

        [Fact]
        public void After_the_end_it_means_nothing() => Given([.. ToQueuedShort, Started, Attached, Committed, Output, Succeeded]).When(At(60)).ThenNothing();
    }

    public class Start
    {
        static TaskCommand Starts(AttemptStarted attempt) => new TaskCommand.Start(attempt);

        [Fact]
        public void The_queued_attempt_starts_in_its_pod() => Given(ToQueued).When(Starts(Started)).Then(Started);

        [Fact]
        public void The_same_pod_starts_it_once()
        {
            Given(ToStarted).When(Starts(Started)).ThenNothing();
            Given(ToAttached).When(Starts(Started)).ThenNothing();
        }

        [Fact]
        public void Another_pod_cannot_take_it_over() =>
            Given(ToStarted).When(Starts(Started with { PodUid = "pod-9" })).ThenRefused("AlreadyStarted", "pod-1");

        [Theory]
        [InlineData(0, 2)]
        [InlineData(0, 0)]
        [InlineData(1, 1)]
        [InlineData(-1, 1)]
        public void Only_the_current_attempt_of_a_scene_that_exists_starts(int scene, int attempt) =>
            Given(ToQueued).When(Starts(Started with { Scene = scene, Attempt = attempt })).ThenRefused("NotCurrent");

        [Fact]
        public void An_old_attempt_does_not_start_again() => Given(ToSecondAttempt).When(Starts(Started)).ThenRefused("NotCurrent");

        [Fact]
        public void An_attempt_that_needs_a_lease_names_it()
        {
            Given(ToQueued).When(Starts(Started with { LeaseUid = null, Token = 0 })).ThenRefused("LeaseMissing");
            Given(ToQueued).When(Starts(Started with { Token = 0 })).ThenRefused("LeaseMissing");
        }

        [Fact]
        public void An_attempt_on_CPU_needs_none()
        {
            var onCpu = Started with { LeaseUid = null, Token = 0 };
            Given(Accepted with { NeedsLease = false }, Admitted, Queued).When(Starts(onCpu)).Then(onCpu);
        }

        [Fact]
        public void After_the_end_nothing_starts() =>
            Given([.. ToQueued, Cancelled]).When(Starts(Started)).ThenRefused("TaskEnded", "Cancelled");

        [Fact]
        public void Before_the_beginning_nothing_starts() => Given().When(Starts(Started)).ThenRefused("NotCurrent");
    }

    public class Attach
    {
        static TaskCommand Attaches(string pod = "pod-1", int attempt = 1, int scene = 0) =>
            new TaskCommand.Attach(scene, attempt, pod, "1.0.0");

        [Fact]
        public void The_pod_of_the_attempt_attaches() => Given(ToStarted).When(Attaches()).Then(Attached);

        [Fact]
        public void It_may_do_so_again() => Given(ToAttached).When(Attaches()).ThenNothing();

        [Fact]
        public void No_other_pod_does() => Given(ToStarted).When(Attaches("pod-9")).ThenRefused("StaleHolder", "pod-9");

        [Fact]
        public void No_pod_does_before_the_start_is_recorded() => Given(ToQueued).When(Attaches()).ThenRefused("StaleHolder");

        [Fact]
        public void The_pod_of_an_old_attempt_is_refused() =>
            Given(ToSecondAttempt).When(Attaches()).ThenRefused("StaleHolder", "attempt 2");

        [Fact]
        public void The_right_pod_with_the_wrong_attempt_or_scene_is_refused()
        {
            Given(ToStarted).When(Attaches(attempt: 2)).ThenRefused("StaleHolder");
            Given(ToStarted).When(Attaches(scene: 1)).ThenRefused("StaleHolder", "no scene 1");
        }

        [Fact]
        public void After_the_end_nobody_attaches() =>
            Given([.. ToStarted, Cancelled]).When(Attaches()).ThenRefused("StaleHolder", "Cancelled");
    }

    public class Completing
    {
        [Fact]
        public void The_result_of_the_only_scene_is_the_output_and_the_success() =>
            Given(ToAttached).When(Complete()).Then(Committed, Output, Succeeded);

        [Fact]
        public void One_scene_of_several_is_committed_but_is_not_the_output() =>
            Given(Accepted with { Scenes = 2 }, Admitted, Queued, Queued with { Scene = 1 }, Started, Attached).When(Complete())
                .Then(Committed);

        [Fact]
        public void The_last_scene_of_several_is_the_success_and_each_has_its_own_output() =>
            Given(
                    Accepted with { Scenes = 2 }, Admitted, Queued, Queued with { Scene = 1 }, Started, Attached,
                    Started with { Scene = 1, PodUid = "pod-b", LeaseUid = "lease-b" }, Attached with { Scene = 1, PodUid = "pod-b" },
                    Committed with { Scene = 1, PodUid = "pod-b" })
                .When(Complete()).Then(Committed, Succeeded);

        [Fact]
        public void The_same_digest_again_gets_the_same_answer() => Given(ToSucceeded).When(Complete()).ThenNothing();

        [Fact]
        public void Another_digest_is_a_conflict() =>
            Given(ToSucceeded).When(Complete(sha256: "bbbb")).ThenRefused("ConflictingResult", "aaaa");

        [Fact]
        public void Somebody_elses_repeat_is_no_repeat()
        {
            Given(ToSucceeded).When(Complete(pod: "pod-9")).ThenRefused("StaleHolder");
            Given(ToSucceeded).When(Complete(attempt: 2)).ThenRefused("StaleHolder");
        }

        [Theory]
        [InlineData(6)]
        [InlineData(8)]
        [InlineData(0)]
        public void A_stale_token_commits_nothing(long token) => Given(ToAttached).When(Complete(token: token)).ThenRefused("StaleHolder");

        [Fact]
        public void Another_pod_commits_nothing() => Given(ToAttached).When(Complete(pod: "pod-9")).ThenRefused("StaleHolder");

        [Fact]
        public void Who_did_not_attach_commits_nothing() => Given(ToStarted).When(Complete()).ThenRefused("StaleHolder", "Started");

        [Fact]
        public void An_old_attempt_commits_nothing()
        {
            Given(ToSecondAttempt).When(Complete()).ThenRefused("StaleHolder", "attempt 2");
            Given([.. ToAttached, Failed, Queued with { Attempt = 2 }]).When(Complete()).ThenRefused("StaleHolder", "Queued");
        }

        [Fact]
        public void The_new_attempt_commits_whatever_the_old_one_says() =>
            Given(ToSecondAttempt).When(Complete(2, "pod-2", 8))
                .Then(Committed with { Attempt = 2, PodUid = "pod-2", Token = 8 }, Output, Succeeded);

        [Fact]
        public void A_cancelled_task_takes_no_result() =>
            Given([.. ToAttached, Cancelled]).When(Complete()).ThenRefused("StaleHolder", "Cancelled");
    }

    public class Cancel
    {
        [Fact]
        public void A_person_ends_a_task_at_any_point_of_its_life()
        {
            foreach (var events in new object[][] { [], ToQueued, ToStarted, ToAttached, ToSecondAttempt })
                Given(events).When(new TaskCommand.Cancel("anna")).Then(Cancelled);
        }

        [Fact]
        public void But_not_after_its_end()
        {
            Given(ToSucceeded).When(new TaskCommand.Cancel("anna")).ThenNothing();
            Given([.. ToQueued, Cancelled]).When(new TaskCommand.Cancel("bert")).ThenNothing();
            Given(new TaskRejected("UnknownEngine", "no")).When(new TaskCommand.Cancel("anna")).ThenNothing();
        }
    }

    public class Suspending
    {
        static readonly TaskSuspended Suspended = new("anna");
        static readonly AttemptFailed Stopped = Failed with { Category = AttemptFailed.Suspended, Retryable = false };

        [Fact]
        public void A_task_is_suspended_once_and_resumed_once()
        {
            Given(ToAttached).When(new TaskCommand.Suspend("anna")).Then(Suspended);
            Given([.. ToAttached, Suspended]).When(new TaskCommand.Suspend("bert")).ThenNothing();
            Given([.. ToAttached, Suspended]).When(new TaskCommand.Resume("anna")).Then(new TaskResumed("anna"));
            Given(ToAttached).When(new TaskCommand.Resume("anna")).ThenNothing();
        }

        [Fact]
        public void One_that_has_ended_or_is_not_accepted_is_left_alone()
        {
            Given(ToSucceeded).When(new TaskCommand.Suspend("anna")).ThenNothing();
            Given().When(new TaskCommand.Suspend("anna")).ThenNothing();
            Given([.. ToQueued, Suspended, Cancelled]).When(new TaskCommand.Resume("anna")).ThenNothing();
        }

        [Fact]
        public void Nothing_of_it_starts() => Given([.. ToQueued, Suspended]).When(new TaskCommand.Start(Started)).ThenRefused("TaskSuspended");

        [Fact]
        public void What_was_stopped_is_queued_again_and_is_nobodys_failure()
        {
            Given([.. ToAttached, Suspended]).When(new TaskCommand.Fail(Stopped, 7)).Then(Stopped, new SceneQueued(0, 2, 0));
            var scene = StateOf([.. ToAttached, Suspended, Stopped, new SceneQueued(0, 2, 0)]).Scenes[0];
            (scene.Failures, scene.LastFailure, scene.Step).ShouldBe((0, null, SceneStep.Queued));
        }

        [Fact]
        public void What_was_complete_before_the_worker_heard_of_it_counts() =>
            Given([.. ToAttached, Suspended]).When(Complete()).Then(Committed, Output, Succeeded);
    }

    static readonly OutputReadopted Readopted = new("file:///objects/k", "k", "abc", 42);

    public class LostHistory
    {
        [Fact]
        public void The_output_of_a_lost_part_of_the_history_ends_the_task_wherever_the_log_stands()
        {
            foreach (var events in new object[][] { ToQueued, ToStarted, ToAttached, ToSecondAttempt })
                Given(events).When(new TaskCommand.Readopt([Readopted])).Then(Readopted, new TaskSucceeded());
            var state = new object[] { Readopted, new TaskSucceeded() }.Aggregate(TaskState.Initial, (s, e) => s.Evolve(e, default));
            (state.Phase, state.IsReadopted, state.Output).ShouldBe(
                (TaskPhase.Succeeded, true, new OutputCommitted("file:///objects/k", "k", "abc", 42)));
        }

        [Fact]
        public void What_had_ended_otherwise_ends_again() =>
            Given(ToAttached).When(new TaskCommand.EndAgain("HistoryLost", "gone")).Then(new TaskFailed("HistoryLost", "gone"));

        [Fact]
        public void An_end_that_is_on_record_stays_and_a_task_that_is_not_is_accepted_first()
        {
            Given(ToSucceeded).When(new TaskCommand.Readopt([Readopted])).ThenNothing();
            Given(ToSucceeded).When(new TaskCommand.EndAgain("HistoryLost", "gone")).ThenNothing();
            Given().When(new TaskCommand.Readopt([Readopted])).ThenRefused("NotAccepted", "accept it first");
        }
    }

    public class UnknownEvents
    {
        public static TheoryData<TaskCommand> Commands => new(
            new TaskCommand.Accept(Accepted),
            new TaskCommand.Reject("UnknownEngine", "no"),
            new TaskCommand.Start(Started),
            new TaskCommand.Attach(0, 1, "pod-1", "1.0.0"),
            new TaskCommand.Stall(0, 1, "pod-1", 600),
            new TaskCommand.Progress(0, 1, "pod-1"),
            Complete(),
            Fail(Failed),
            Return(),
            new TaskCommand.Readopt([Readopted]),
            new TaskCommand.EndAgain("HistoryLost", "gone"),
            new TaskCommand.Cancel("anna"), new TaskCommand.ExceedDeadline(Noon), new TaskCommand.Suspend("anna"), new TaskCommand.Resume("anna"));

        [Theory, MemberData(nameof(Commands))]
        public void No_command_is_decided_on_a_stream_that_is_not_understood(TaskCommand command)
        {
            Given([.. ToAttached, "an event of tomorrow"]).When(command).ThenRefused("UnknownEvents", "upgrade");
            Given("an event of tomorrow").When(command).ThenRefused("UnknownEvents", "upgrade");
        }

        [Fact]
        public void Every_command_is_in_this_table() =>
            ((IEnumerable<object[]>)Commands).Select(row => row[0].GetType())
                .ShouldBe(typeof(TaskCommand).GetNestedTypes(), ignoreOrder: true);

        [Fact]
        public void A_reader_goes_on_past_what_it_does_not_know()
        {
            var state = StateOf([.. ToStarted, "an event of tomorrow", null!, Attached]);
            state.HasUnknownEvents.ShouldBeTrue();
            state.Scenes[0].Step.ShouldBe(SceneStep.Attached);
        }
    }
}
