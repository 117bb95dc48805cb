using Framelease.Domain.Leasing;
using static Framelease.Domain.Tests.Leasing.LeaseFixtures;

namespace Framelease.Domain.Tests.Leasing;

/// <summary>In a pool that detects only, what would end a lease is told once, and ends nothing.</summary>
public class DetectOnlyTests
{
    static readonly GradeTerms Grades = new(0, 600, 700, 120, 30);
    static readonly LeaseGranted Told = Granted with { Terms = Terms with { Grades = Grades, DetectOnly = true } };

    static LeaseState Held(params object[] more) => StateOf([Requested, Told, Attached, .. more]);

    static IReadOnlyList<ILeaseEvent> Decide(LeaseState state, LeaseCommand command) =>
        LeaseDecider.Decide(state, command).ShouldBeOfType<Decision<ILeaseEvent>.Events>().Items;

    static LeaseCommand.Grade Grade(double seconds, bool stalled = false) => new(Noon.AddSeconds(seconds), Noon, stalled);

    [Fact]
    public void Silence_is_told_once_and_the_holder_keeps_its_slot()
    {
        LeaseCommand silence = new LeaseCommand.Expire(ExpiryCause.HeartbeatLost, "no beat for 301 s", "pod-1");
        var told = Decide(Held(), silence).ShouldHaveSingleItem().ShouldBeOfType<LeaseDeadlockDetected>();
        told.ShouldBe(new LeaseDeadlockDetected(ExpiryCause.HeartbeatLost, "no beat for 301 s"));
        var after = Held(told);
        (after.IsGranted, after.Deadlock, after.DeadlockAt).ShouldBe((true, told, Noon));
        Decide(after, silence).ShouldBeEmpty();
    }

    [Fact]
    public void The_soft_limit_asks_and_the_hard_limit_tells()
    {
        var asked = Decide(Held(), Grade(600)).ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>();
        var state = Held(asked);
        var told = Decide(state, Grade(5000)).ShouldHaveSingleItem().ShouldBeOfType<LeaseDeadlockDetected>();
        told.Cause.ShouldBe(ExpiryCause.HardTimeout);
        Decide(Held(asked, told), Grade(1e6)).ShouldBeEmpty();
    }

    [Fact]
    public void A_stall_is_told_asks_nobody_to_end_and_is_over_when_something_moves()
    {
        var stalled = new LeaseStalled(120);
        var told = Decide(Held(stalled), Grade(130, stalled: true)).ShouldHaveSingleItem().ShouldBeOfType<LeaseDeadlockDetected>();
        told.Cause.ShouldBe(ExpiryCause.Stalled);
        var state = Held(stalled, told);
        Decide(state, Grade(500, stalled: true)).ShouldBeEmpty();
        Decide(state, Grade(600, stalled: true)).ShouldHaveSingleItem().ShouldBeOfType<LeaseDrainRequested>();
        Held(stalled, told, new LeaseProgressed()).Deadlock.ShouldBeNull();
    }

    [Fact]
    public void A_person_ends_it_and_so_does_what_is_proven_or_ordered()
    {
        var told = new LeaseDeadlockDetected(ExpiryCause.HeartbeatLost, "no beat");
        Decide(Held(told), new LeaseCommand.Revoke("anna", "it hangs")).Select(e => e.GetType())
            .ShouldBe([typeof(LeaseRevoked), typeof(SlotQuarantined)]);
        Decide(Held(told), new LeaseCommand.Expire(ExpiryCause.PodEnded, "exit 137", "pod-1")).Select(e => e.GetType())
            .ShouldBe([typeof(LeaseExpired), typeof(SlotQuarantined)]);
        var ordered = new LeaseDrainRequested(DrainCause.DeviceDrained, 30, "fan");
        Decide(Held(told, ordered), Grade(1000)).Select(e => e.GetType()).ShouldBe([typeof(LeaseRevoked), typeof(SlotQuarantined)]);
        Decide(StateOf(Requested, Told), new LeaseCommand.Expire(ExpiryCause.StartDeadline, "nobody came")).Count.ShouldBe(2);
    }
}
