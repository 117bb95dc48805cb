using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Attempts;

namespace Framelease.Operator.Tests.Attempts;

public sealed class TaskStopTests
{
    static readonly TaskState Running = Given.Task([.. Given.Accepted(), .. Given.Started(), .. Given.Attached()]);
    static readonly LeaseState Held = Given.Lease([.. Given.Granted(), .. Given.Held()]);
    static readonly Dictionary<string, LeaseState> Leases = new(StringComparer.Ordinal) { [Given.LeaseUid] = Held };

    /// <summary>Two scenes work, and a third waits.</summary>
    static readonly TaskState Several = Given.Task([
        (TaskAccepted)Given.Accepted()[0] with { Scenes = 3 }, new TaskAdmitted(), new SceneQueued(0, 1, 0), new SceneQueued(1, 1, 0),
        new SceneQueued(2, 1, 0), .. Given.Started(), .. Given.Attached(),
        new AttemptStarted(1, 1, "clip-b", "pod-b", "lease-b", 9, "node", "sw-1")]);

    [Fact]
    public void A_cancelled_task_loses_its_attempt_and_its_lease_goes_to_quarantine()
    {
        var stop = TaskStop.Decide(Running, Leases, new TaskCommand.Cancel("deletion"), "deletion");
        stop.Task.Select(e => e.GetType()).ShouldBe([typeof(TaskCancelled), typeof(AttemptFailed)]);
        stop.Leases[Given.LeaseUid].Select(e => e.GetType()).ShouldBe([typeof(LeaseRevoked), typeof(SlotQuarantined)]);
    }

    [Fact]
    public void Cancelling_twice_changes_nothing() =>
        TaskStop.Decide(Given.Task([.. Given.Accepted(), new TaskCancelled("x")]), Leases, new TaskCommand.Cancel("y"), "y").ChangesNothing.ShouldBeTrue();

    [Fact]
    public void A_suspended_task_queues_again_what_ran_and_gives_back_its_leases()
    {
        var stop = TaskStop.Decide(Running, Leases, new TaskCommand.Suspend("anna"), "anna");
        stop.Task.Select(e => e.GetType()).ShouldBe([typeof(TaskSuspended), typeof(AttemptFailed), typeof(SceneQueued)]);
        stop.Leases[Given.LeaseUid].Select(e => e.GetType()).ShouldBe([typeof(LeaseRevoked), typeof(SlotQuarantined)]);
        TaskStop.Decide(Given.Task([.. Given.Accepted(), new TaskSuspended("x")]), Leases, new TaskCommand.Resume("x"), "x")
            .Task.ShouldHaveSingleItem().ShouldBeOfType<TaskResumed>();
    }

    [Fact]
    public void When_one_scene_ends_the_task_all_others_that_run_end_too_and_with_them_their_leases()
    {
        var ended = new ITaskEvent[]
        {
            new AttemptFailed(0, 1, Given.PodUid, "Input", "InputNotVideo", "no video", false, null), new TaskFailed("InputNotVideo", "no video"),
        }.Aggregate(Several, (s, e) => s.Evolve(e, Given.At));
        var other = new Dictionary<string, LeaseState>(StringComparer.Ordinal) { ["lease-b"] = Given.Lease(Given.Granted()) };

        var stop = TaskStop.Decide(ended, other, null, "operator");

        stop.Task.ShouldHaveSingleItem().ShouldBeOfType<AttemptFailed>().ShouldSatisfyAllConditions(
            f => (f.Scene, f.Category, f.Reason).ShouldBe((1, "Cancelled", "TaskEnded")), f => f.Message.ShouldContain("InputNotVideo"));
        ((SlotFreed)stop.Leases["lease-b"][^1]).Proof.ShouldBe(FreeProof.NeverAttached);
    }

    [Fact]
    public void A_lease_that_is_not_understood_stops_the_whole_stop()
    {
        var unknown = new Dictionary<string, LeaseState>(StringComparer.Ordinal) { [Given.LeaseUid] = Held with { HasUnknownEvents = true } };
        var stop = TaskStop.Decide(Running, unknown, new TaskCommand.Cancel("anna"), "anna");
        (stop.ChangesNothing, stop.Leases.Count, stop.Refusal!.Reason).ShouldBe((true, 0, "UnknownEvents"));
    }
}
