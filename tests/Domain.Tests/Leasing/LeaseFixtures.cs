// One lease on one slot, in the words of its events.
using Framelease.Domain.Leasing;

namespace Framelease.Domain.Tests.Leasing;

static class LeaseFixtures
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly LeaseTerms Terms = new(
        MaxWaitSeconds: 0, StartDeadlineSeconds: 600, HeartbeatIntervalSeconds: 60, HeartbeatTimeoutSeconds: 300);
    public static readonly SlotKey Key = new("cluster", "node-a", "gpu-0", 0);

    public static readonly LeaseRequested Requested = new(
        "lease-1", "default", "clip-1", "pool", "VideoTask default/clip", "task-1", 0, 1, Terms);

    /// <summary>Under token 7: the slot had 6 holders before.</summary>
    public static readonly LeaseGranted Granted = new(Key, "Card 0", "Gpu", 0, 7, Terms);
    public static readonly LeaseAttached Attached = new("pod-1", "node-a");
    public static readonly LeaseReleased Released = new("Completed");
    public static readonly LeaseExpired Expired = new(ExpiryCause.HeartbeatLost, "silent for 300 s");
    public static readonly LeaseRevoked Revoked = new("anna", "maintenance");
    public static readonly SlotQuarantined Quarantined = new(Key, 7, "HeartbeatLost");
    public static readonly SlotFreed Freed = new(Key, 7, FreeProof.ContainersTerminated, "exit 137");

    public static SlotSnapshot Slot(SlotState state = SlotState.Free, long token = 6, string pool = "pool") =>
        new(Key, pool, state, token, state is SlotState.Free ? null : "other", "Card 0", "Gpu", 0);

    public static LeaseState StateOf(params object[] events) => events.Aggregate(LeaseState.Initial, (state, e) => state.Evolve(e, Noon));

    public static Scenario<LeaseState, LeaseCommand, ILeaseEvent> Given(params object[] events) =>
        new(StateOf(events), LeaseDecider.Decide);
}
