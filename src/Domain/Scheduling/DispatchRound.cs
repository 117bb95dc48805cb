using Framelease.Domain.Leasing;

namespace Framelease.Domain.Scheduling;

/// <summary>
/// One round of a pool: a pure function from a snapshot of queue and slots to grants, and a reason for everyone who waits.
/// </summary>
public static class DispatchRound
{
    /// <param name="waiting">Pending leases in queue order.</param>
    /// <param name="slots">All slots of the pool.</param>
    public static Result Decide(IReadOnlyList<Waiting> waiting, IReadOnlyList<SlotSnapshot> slots)
    {
        var free = new Queue<SlotSnapshot>(slots.Where(s => s.State is SlotState.Free)
            .OrderBy(s => s.Key.Slot).ThenBy(s => s.Token)
            .ThenBy(s => s.Key.Node, StringComparer.Ordinal).ThenBy(s => s.Key.Device, StringComparer.Ordinal));
        var grants = new List<Grant>();
        var reasons = new List<Reason>();
        foreach (var (lease, index) in waiting.Select((w, i) => (w, i)))
        {
            if (free.TryDequeue(out var slot))
                grants.Add(new Grant(lease.LeaseUid, slot));
            else
                reasons.Add(Why(lease, index - grants.Count + 1, slots));
        }

        return new Result(grants, reasons);
    }

    static Reason Why(Waiting lease, int position, IReadOnlyList<SlotSnapshot> slots)
    {
        if (slots.Count == 0)
            return new Reason(
                lease.LeaseUid, "NoDevices", "the pool has no device: no node matches its nodeSelector and publishes devices");
        var quarantined = slots.Count(s => s.State is SlotState.Quarantined);
        var message = $"position {position}; {slots.Count} slots: {slots.Count - quarantined} granted, {quarantined} quarantined";
        return quarantined == slots.Count
            ? new Reason(
                lease.LeaseUid, "AllQuarantined", $"{message}; a slot is free again once it is proven that its last holder is gone")
            : new Reason(lease.LeaseUid, "WaitingForSlot", message);
    }

    public sealed record Waiting(string LeaseUid);

    public sealed record Grant(string LeaseUid, SlotSnapshot Slot);

    /// <param name="Code">WaitingForSlot, AllQuarantined or NoDevices.</param>
    public sealed record Reason(string LeaseUid, string Code, string Message);

    public sealed record Result(IReadOnlyList<Grant> Grants, IReadOnlyList<Reason> Waiting);
}
