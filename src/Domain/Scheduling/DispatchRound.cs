using Framelease.Domain.Leasing;

namespace Framelease.Domain.Scheduling;

/// <summary>
/// One round of a pool: a pure function from a snapshot of queue and devices to grants, and a reason for everyone who waits. Leases are
/// served in queue order (<see cref="QueueOrder"/>); fit and a tenant's concurrency are filters. What is left then is split by weight among
/// the tenants that are at their concurrency. The first lease that finds no room on any device with a free slot has one device kept for it,
/// so that smaller ones cannot keep it waiting for ever. O(log) per decision: in the groups and in the devices, not in the length of the
/// queue.
/// </summary>
public static class DispatchRound
{
    public static DispatchResult Decide(PoolView pool)
    {
        var round = new Round(pool);
        round.ServeInOrder();
        round.ShareTheRest();
        return round.Result();
    }

    sealed class Round(PoolView pool)
    {
        readonly Room _room = new(pool.Devices);
        readonly List<DispatchGrant> _grants = [];
        readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
        readonly Dictionary<QueueGroup, int> _served = new(ReferenceEqualityComparer.Instance);
        readonly List<QueueGroup> _atLimit = [];
        readonly HashSet<QueueGroup> _withoutRoom = new(ReferenceEqualityComparer.Instance);
        DeviceView? _kept;

        bool IsOver => _room.IsEmpty || _grants.Count >= pool.MostGrants;

        public void ServeInOrder()
        {
            var queue = new PriorityQueue<QueueGroup, (DateTimeOffset, string)>(pool.Groups.Count, ByPlace);
            foreach (var group in pool.Groups)
                Enqueue(queue, group);
            while (!IsOver && queue.TryDequeue(out var group, out _))
            {
                if (Held(group.Tenant) >= (Share(group.Tenant).Concurrency ?? int.MaxValue))
                    _atLimit.Add(group);
                else if (Grant(group))
                    Enqueue(queue, group);
            }
        }

        // Whoever has the least of the rest, in parts of its weight, is next; among equals the queue decides.
        public void ShareTheRest()
        {
            while (!IsOver && _atLimit.Where(g => Next(g) is not null && Held(g.Tenant) < Share(g.Tenant).Most)
                .OrderBy(g => (double)(Held(g.Tenant) - Share(g.Tenant).Concurrency!.Value) / Share(g.Tenant).Weight)
                .ThenBy(Place, ByPlace).FirstOrDefault() is { } group)
            {
                if (!Grant(group))
                    _atLimit.Remove(group);
            }
        }

        public DispatchResult Result()
        {
            var waiting = pool.Groups.Where(g => Next(g) is not null || g.HasMore).ToList();
            var reasons = new WaitExplanation(pool, _room, _kept);
            return new DispatchResult(
                _grants,
                [.. waiting.Select(g => reasons.Of(g, Held(g.Tenant), _withoutRoom.Contains(g)))],
                [.. waiting.SelectMany(g => g.Heads.Skip(_served.GetValueOrDefault(g))).OrderBy(w => (w.QueueAt, w.LeaseUid), ByPlace)],
                _grants.Count >= pool.MostGrants || waiting.Exists(g => Next(g) is null && !_room.IsEmpty));
        }

        bool Grant(QueueGroup group)
        {
            if (_room.Take(group.Need) is not { } slot)
            {
                _withoutRoom.Add(group);
                KeepFor(group);
                return false;
            }

            _grants.Add(new DispatchGrant(Next(group)!.LeaseUid, slot));
            _served[group] = _served.GetValueOrDefault(group) + 1;
            _held[group.Tenant] = Held(group.Tenant) + 1;
            return true;
        }

        // One at a time, the same in every round until it is served: a device whose holders all end has room for whoever it can hold at
        // all.
        void KeepFor(QueueGroup group)
        {
            if (_kept is not null)
                return;
            _kept = pool.Devices
                .Where(d => d.Traits.OutOfService is null && d.Traits.CanHold(group.Need)
                    && d.Slots.All(s => s.State is not SlotState.Quarantined))
                .OrderBy(d => d.Traits.OnProbation).ThenBy(d => d.Traits.MemoryMiB)
                .ThenBy(d => d.Node, StringComparer.Ordinal).ThenBy(d => d.Device, StringComparer.Ordinal)
                .FirstOrDefault();
            if (_kept is not null)
                _room.Keep(_kept);
        }

        void Enqueue(PriorityQueue<QueueGroup, (DateTimeOffset, string)> queue, QueueGroup group)
        {
            if (Next(group) is not null)
                queue.Enqueue(group, Place(group));
        }

        WaitingLease? Next(QueueGroup group) => _served.GetValueOrDefault(group) is var n && n < group.Heads.Count ? group.Heads[n] : null;

        (DateTimeOffset, string) Place(QueueGroup group) => Next(group) is { } next ? (next.QueueAt, next.LeaseUid) : default;

        TenantShare Share(string tenant) => pool.Tenants.GetValueOrDefault(tenant, TenantShare.Unlimited);

        int Held(string tenant) => _held.TryGetValue(tenant, out var held) ? held : Share(tenant).Held;
    }

    static readonly IComparer<(DateTimeOffset At, string Uid)> ByPlace = Comparer<(DateTimeOffset At, string Uid)>.Create(
        (a, b) => a.At.CompareTo(b.At) is not 0 and var c ? c : string.CompareOrdinal(a.Uid, b.Uid));
}

/// <param name="Waiting">One for each group of which somebody still waits.</param>
/// <param name="Front">Heads that still wait, in queue order.</param>
/// <param name="IsCut">The round ended before the queue or the slots did: another one has more to do.</param>
public sealed record DispatchResult(
    IReadOnlyList<DispatchGrant> Grants, IReadOnlyList<WaitReason> Waiting, IReadOnlyList<WaitingLease> Front, bool IsCut);

public sealed record DispatchGrant(string LeaseUid, SlotSnapshot Slot);

/// <param name="Code">Fixed set: NoDevices, Unschedulable, NoDeviceInService, TenantAtLimit, AllQuarantined, WaitingForRoom,
/// WaitingForSlot.</param>
public sealed record WaitReason(QueueGroup Group, string Code, string Message);
