using Framelease.Domain.Leasing;

namespace Framelease.Domain.Scheduling;

/// <summary>
/// Why the leases of a group wait, after a round: the first of the fixed reasons that holds, from the hopeless to the everyday.
/// </summary>
sealed class WaitExplanation(PoolView pool, Room room, DeviceView? kept)
{
    public WaitReason Of(QueueGroup group, int held, bool withoutRoom)
    {
        if (pool.Devices.Count == 0)
            return new(group, "NoDevices", "the pool has no device: no node matches its nodeSelector and publishes devices");
        var able = pool.Devices.Where(d => d.Traits.CanHold(group.Need)).ToList();
        if (able.Count == 0)
            return new(group, "Unschedulable",
                $"the lease needs {group.Need}; no device of the pool has that even when it is empty: {Best()}");
        if (able.TrueForAll(d => d.Traits.OutOfService is not null))
            return new(group, "NoDeviceInService", $"every device that could hold it is out of service: {OutOfService(able)}");
        var share = pool.Tenants.GetValueOrDefault(group.Tenant, TenantShare.Unlimited);
        if (held >= share.Most)
            return new(group, "TenantAtLimit", $"tenant {group.Tenant} holds {held} slots, its concurrency is {share.Most}");
        var slots = able.Where(d => d.Traits.OutOfService is null).SelectMany(d => d.Slots).ToList();
        var releasing = slots.Count(s => s.IsReleasing);
        var quarantined = slots.Count(s => s.State is SlotState.Quarantined) - releasing;
        if (quarantined == slots.Count)
        {
            return new(group, "AllQuarantined", $"all {slots.Count} slots are in quarantine; one is free again once it is proven that its "
                + "last holder is gone");
        }

        return withoutRoom
            ? new(group, "WaitingForRoom", NoRoom(group))
            : new(
                group, "WaitingForSlot",
                Slots(slots.Count, quarantined, releasing, able.Count(d => d.Traits is { OnProbation: true, OutOfService: null })));
    }

    static string Slots(int all, int quarantined, int releasing, int onProbation)
    {
        var leaving = releasing == 0 ? "" : $", {releasing} are free when their pods have ended";
        var probation = onProbation == 0 ? "" : $"; {onProbation} of their devices are on probation and take one lease at a time";
        return $"{all} slots could hold it: {all - quarantined - releasing} are held, {quarantined} are in quarantine{leaving}{probation}";
    }

    string NoRoom(QueueGroup group)
    {
        var free = room.MostFreeMiB is int.MaxValue or 0 ? "" : $"; devices with a free slot have at most {room.MostFreeMiB} MiB left";
        var device = kept is not null && kept.Traits.CanHold(group.Need)
            ? $"; {kept.Node}/{kept.Device} is kept free for the first that needs it" : "";
        return $"the lease needs {group.Need} beside what others use of a device{free}{device}";
    }

    string Best()
    {
        var (memory, encode, decode) = (Most(d => d.MemoryMiB), Most(d => d.EncodeSessions), Most(d => d.DecodeSessions));
        return $"at most {memory} MiB, {encode} encoder sessions, {decode} decoder sessions (0 = not counted)";
    }

    int Most(Func<DeviceTraits, int> of) => pool.Devices.Max(d => of(d.Traits));

    static string OutOfService(IEnumerable<DeviceView> devices) => string.Join("; ", devices
        .GroupBy(d => d.Traits.OutOfService!, StringComparer.Ordinal)
        .Select(g => $"{g.Count()} {g.Key} ({g.First().Node}/{g.First().Device}{(g.First().Traits.Reason is { } why ? $": {why}" : "")})"));
}
