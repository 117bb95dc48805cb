// The life of a task that goes badly: failures are counted, returns are free but bounded.
using Framelease.Domain.Tasks;
using static Framelease.Domain.Tests.Tasks.TaskFixtures;

namespace Framelease.Domain.Tests.Tasks;

public class FailingAttemptsTests
{
    public class Failing
    {
        [Fact]
        public void A_retryable_failure_queues_the_next_attempt_after_its_back_off() =>
            Given(ToAttached).When(Fail(Failed, delay: 3)).Then(Failed, new SceneQueued(0, 2, 3));

        [Fact]
        public void A_failure_that_no_retry_can_mend_ends_the_task_at_once()
        {
            var input = Failed with { Reason = "InputNotVideo", Message = "no video stream", Retryable = false };
            Given(ToAttached).When(Fail(input)).Then(input, new TaskFailed("InputNotVideo", "no video stream"));
        }

        [Fact]
        public void One_failure_more_than_backoffLimit_ends_the_task()
        {
            var second = Failed with { Attempt = 2, PodUid = "pod-2" };
            Given(ToSecondAttempt).When(Fail(second))
                .Then(second, new TaskFailed("BackoffLimitExceeded", "2 attempts failed, backoffLimit is 1; the last: exit 1"));
        }

        [Fact]
        public void With_backoffLimit_0_the_first_failure_is_the_last() =>
            Given(Accepted with { BackoffLimit = 0 }, Admitted, Queued, Started, Attached).When(Fail(Failed))
                .Then(Failed, new TaskFailed("BackoffLimitExceeded", "1 attempts failed, backoffLimit is 0; the last: exit 1"));

        [Fact]
        public void A_repeated_report_changes_nothing_even_with_other_words()
        {
            Given([.. ToAttached, Failed, Queued with { Attempt = 2 }]).When(Fail(Failed with { Message = "other" })).ThenNothing();
            Given(ToSecondAttempt).When(Fail(Failed)).ThenNothing();
            Given([.. ToAttached, Failed, new TaskFailed("BackoffLimitExceeded", "…")]).When(Fail(Failed)).ThenNothing();
        }

        [Fact]
        public void An_attempt_may_fail_before_it_attached() => Given(ToStarted).When(Fail(Failed)).Then(Failed, new SceneQueued(0, 2, 3));

        [Fact]
        public void An_attempt_may_fail_before_it_had_a_pod()
        {
            var early = Failed with { PodUid = null };
            Given(ToQueued).When(Fail(early)).Then(early, new SceneQueued(0, 2, 3));
        }

        [Theory]
        [InlineData(1, "pod-9")]
        [InlineData(1, null)]
        [InlineData(2, "pod-1")]
        public void Nobody_else_fails_the_attempt(int attempt, string? pod) =>
            Given(ToAttached).When(Fail(Failed with { Attempt = attempt, PodUid = pod })).ThenRefused("StaleHolder");

        [Fact]
        public void A_scene_that_does_not_exist_cannot_fail() =>
            Given(ToAttached).When(Fail(Failed with { Scene = 7 })).ThenRefused("StaleHolder", "no scene 7");

        [Fact]
        public void What_was_committed_cannot_fail_afterwards() =>
            Given(ToSucceeded).When(Fail(Failed)).ThenRefused("StaleHolder", "Succeeded");

        [Fact]
        public void After_a_cancel_the_running_attempt_is_closed_and_nothing_is_queued()
        {
            Given([.. ToAttached, Cancelled]).When(Fail(Failed)).Then(Failed);
            Given([.. ToAttached, Cancelled, Failed]).When(Fail(Failed)).ThenNothing();
        }
    }

    public class Returning
    {
        static object[] StartedAndReturned(int attempt) =>
            [Started with { Attempt = attempt }, Returned with { Attempt = attempt }, Queued with { Attempt = attempt + 1 }];

        [Fact]
        public void An_attempt_that_never_ran_is_tried_again() => Given(ToStarted).When(Return()).Then(Returned, new SceneQueued(0, 2, 3));

        [Fact]
        public void Also_one_that_never_had_a_pod() =>
            Given(ToQueued).When(Return(pod: null)).Then(Returned with { PodUid = null }, new SceneQueued(0, 2, 3));

        [Fact]
        public void It_does_not_count_against_backoffLimit()
        {
            object[] events = [.. ToQueued];
            for (var attempt = 1; attempt <= 5; attempt++)
                events = [.. events, .. StartedAndReturned(attempt)];
            var state = StateOf(events);
            (state.Scenes[0].Failures, state.Scenes[0].Returns, state.AttemptsStarted).ShouldBe((0, 5, 5));
            Given([.. events, Started with { Attempt = 6 }, Attached with { Attempt = 6 }]).When(Fail(Failed with { Attempt = 6 }))
                .Then(Failed with { Attempt = 6 }, new SceneQueued(0, 7, 3));
        }

        [Fact]
        public void But_not_without_end()
        {
            object[] events = [.. ToQueued];
            var attempt = 1;
            for (; attempt <= TaskDecider.MaxReturns; attempt++)
                events = [.. events, .. StartedAndReturned(attempt)];
            var last = Returned with { Attempt = attempt };
            Given([.. events, Started with { Attempt = attempt }]).When(Return(attempt)).Then(
                last,
                new TaskFailed(
                    "NeverStarted", $"{TaskDecider.MaxReturns + 1} attempts ended before any work; the last: ImageUnavailable"));
        }

        [Fact]
        public void Who_attached_did_run_and_does_not_go_free() => Given(ToAttached).When(Return()).ThenRefused("AlreadyAttached", "pod-1");

        [Fact]
        public void An_attempt_that_ended_does_not_return_again()
        {
            Given([.. ToStarted, Returned, Queued with { Attempt = 2 }]).When(Return()).ThenNothing();
            Given(ToSecondAttempt).When(Return()).ThenNothing();
            Given(ToSucceeded).When(Return()).ThenNothing();
        }

        [Theory]
        [InlineData(1, "pod-9")]
        [InlineData(1, null)]
        [InlineData(2, "pod-1")]
        public void Nobody_else_returns_the_attempt(int attempt, string? pod) =>
            Given(ToStarted).When(Return(attempt, pod)).ThenRefused("StaleHolder");

        [Fact]
        public void After_a_cancel_the_waiting_attempt_is_closed_and_nothing_is_queued()
        {
            Given([.. ToQueued, Cancelled]).When(Return(pod: null)).Then(Returned with { PodUid = null });
            Given([.. ToStarted, Cancelled]).When(Return()).Then(Returned);
        }
    }

    [Fact]
    public void The_back_off_starts_when_the_failure_was_recorded()
    {
        var state = StateOf(ToAttached).Evolve(Failed, Noon.AddSeconds(10)).Evolve(new SceneQueued(0, 2, 7), Noon.AddSeconds(10));
        var scene = state.Scenes[0];
        (scene.Attempt, scene.Step, scene.Failures, scene.NotBefore, scene.Started)
            .ShouldBe((2, SceneStep.Queued, 1, Noon.AddSeconds(17), null));
        scene.LastFailure.ShouldBe(Failed);
    }

    [Fact]
    public void Scenes_fail_on_their_own_account()
    {
        object[] twoScenes =
            [Accepted with { Scenes = 2 }, Admitted, Queued, Queued with { Scene = 1 },
            Started, Attached, Failed, Queued with { Attempt = 2 }];
        var other = Failed with { Scene = 1, PodUid = "pod-b" };
        Given([.. twoScenes, Started with { Scene = 1, PodUid = "pod-b" }]).When(Fail(other)).Then(other, new SceneQueued(1, 2, 3));
    }
}
