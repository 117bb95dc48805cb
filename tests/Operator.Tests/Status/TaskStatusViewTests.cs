using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Status;

namespace Framelease.Operator.Tests.Status;

public sealed class TaskStatusViewTests
{
    static readonly Dictionary<int, LeaseState> NoLeases = [];

    static Framelease.Resources.VideoTaskStatus Of(TaskState state, Obstacle? obstacle = null, Obstacle? wait = null) =>
        TaskStatusView.Of(state, 1, obstacle, wait, NoLeases, Given.At.AddHours(1), null);

    static string Condition(Framelease.Resources.VideoTaskStatus status, string type) => status.Conditions!.Single(c => c.Type == type).Status;

    [Fact]
    public void A_task_that_waits_for_its_engine_says_so_in_phase_reason_and_condition()
    {
        var status = Of(TaskState.Initial, new Obstacle("EngineNotFound", "apply it"));
        (status.Phase, status.Reason, Condition(status, "Accepted")).ShouldBe(("Pending", "EngineNotFound", "False"));
    }

    [Fact]
    public void What_the_finalizer_says_of_a_deletion_is_not_lost_with_the_next_status()
    {
        Condition blocked = new("DeletionBlocked", "True", "CleanUpIncomplete", "its worker pods to end", Given.At);
        TaskStatusView.Of(TaskState.Initial, 1, null, null, NoLeases, Given.At.AddHours(1), [blocked]).Conditions!.ShouldContain(blocked);
    }

    [Fact]
    public void A_queued_task_says_why_its_lease_is_not_granted()
    {
        var status = Of(Given.Task(Given.Accepted()), wait: new Obstacle("WaitingForSlot", "position 2"));
        (status.Phase, status.Reason, Condition(status, "Running")).ShouldBe(("Queued", "WaitingForSlot", "False"));
    }

    [Fact]
    public void A_running_task_names_device_token_and_pod()
    {
        var status = Of(Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached()]));
        (status.Phase, status.Device, status.Token, status.Scenes![0].Pod, Condition(status, "Running")).ShouldBe(("Running", "sw-0", 7L, "clip-1", "True"));
    }

    [Fact]
    public void Of_several_scenes_the_one_that_works_speaks_and_each_that_is_done_shows_its_output()
    {
        var accepted = (TaskAccepted)Given.Accepted()[0] with { Scenes = 3 };
        var status = Of(Given.Task([
            accepted, new TaskAdmitted(), new SceneQueued(0, 1, 0), new SceneQueued(1, 1, 0), new SceneQueued(2, 1, 0),
            .. Given.Started(), .. Given.Attached(), new SceneCommitted(0, 1, Given.PodUid, 7, Given.Result()),
            new AttemptStarted(2, 1, "clip-c", "pod-c", "lease-c", 9, "node", "sw-2"), new AttemptAttached(2, 1, "pod-c", "1")]));
        (status.Phase, status.Device, status.Token, status.Output).ShouldBe(("Running", "sw-2", 9L, null));
        status.Scenes!.Select(s => (s.State, s.Output is not null)).ShouldBe([("Committed", true), ("Queued", false), ("Attached", false)]);
        status.Conditions!.Single(c => c.Type == "Running").Message.ShouldBe(
            "attempt 1 of scene 2 works on sw-2 in pod clip-c; of 3 scenes 1 are done, 1 run");
    }

    [Fact]
    public void A_suspended_task_says_so_and_not_that_it_waits()
    {
        var status = Of(Given.Task([.. Given.Accepted(), new TaskSuspended("anna")]), wait: new Obstacle("WaitingForSlot", "position 2"));
        (status.Phase, status.Reason, Condition(status, "Suspended"), Condition(status, "Running")).ShouldBe(("Suspended", null, "True", "False"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void At_the_end_Finished_and_exactly_one_of_Succeeded_and_Failed_are_true(bool succeeded)
    {
        ITaskEvent[] end = succeeded
            ? [new SceneCommitted(0, 1, Given.PodUid, 7, Given.Result()), new OutputCommitted("file:///key", "key", "abc", 42), new TaskSucceeded()]
            : [new AttemptFailed(0, 1, Given.PodUid, "Input", "InputNotVideo", "no video", false, null), new TaskFailed("InputNotVideo", "no video")];
        var status = Of(Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached(), .. end]));
        Condition(status, "Finished").ShouldBe("True");
        new[] { Condition(status, "Succeeded"), Condition(status, "Failed") }.Count(c => c == "True").ShouldBe(1);
        status.Phase.ShouldBe(succeeded ? "Succeeded" : "Failed");
        status.Reason.ShouldBe(succeeded ? null : "InputNotVideo");
        (status.Output is not null).ShouldBe(succeeded);
    }

    [Fact]
    public void Transition_times_of_recorded_facts_are_the_events_times() =>
        Of(Given.Task(Given.Accepted())).Conditions!.Single(c => c.Type == "Accepted").LastTransitionTime.ShouldBe(Given.At);

    [Fact]
    public void The_same_events_give_the_same_status()
    {
        var state = Given.Task([.. Given.Accepted(), .. Given.Started()]);
        var once = Of(state);
        var again = TaskStatusView.Of(state, 1, null, null, NoLeases, Given.At.AddHours(9), once.Conditions);
        again.Conditions.ShouldBe(once.Conditions);
    }
}
