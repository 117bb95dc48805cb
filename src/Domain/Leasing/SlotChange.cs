namespace Framelease.Domain.Leasing;

/// <summary>
/// What a lease event does to its slot's row. The row changes in the transaction of the event (R1), guarded by <see cref="From"/>: the row
/// must still be in that state under that token, else the whole commit fails.
/// </summary>
/// <param name="Reason">Of a quarantine; of a slot in quarantine that is freed, the proof.</param>
public sealed record SlotChange(SlotKey Key, SlotState From, long FromToken, SlotState To, long ToToken, string? LeaseUid, string? Reason)
{
    /// <returns>The changes that <paramref name="events"/> of one lease make, in order; none for events that leave the slot
    /// alone.</returns>
    /// <param name="before">The lease before the events.</param>
    public static IReadOnlyList<SlotChange> Of(LeaseState before, string leaseUid, IReadOnlyList<ILeaseEvent> events)
    {
        var changes = new List<SlotChange>();
        var grant = before.Grant;
        foreach (var e in events)
        {
            SlotChange? change = e switch
            {
                LeaseGranted g => new(g.Slot, SlotState.Free, g.Token - 1, SlotState.Granted, g.Token, leaseUid, null),
                LeaseReleased { SlotHeld: not true } when grant is { } g =>
                    new(g.Slot, SlotState.Granted, g.Token, SlotState.Free, g.Token, null, null),
                SlotQuarantined q => new(q.Slot, SlotState.Granted, q.Token, SlotState.Quarantined, q.Token, leaseUid, q.Reason),
                SlotFreed f => new(f.Slot, SlotState.Quarantined, f.Token, SlotState.Free, f.Token, null, f.Proof.ToString()),
                _ => null,
            };
            if (e is LeaseGranted granted)
                grant = granted;
            if (change is not null)
                changes.Add(change);
        }

        return changes;
    }
}
