using Framelease.Domain.Leasing;

namespace Framelease.Domain.Scheduling;

/// <summary>What one round of a pool decides on.</summary>
/// <param name="Groups">Waiting leases of one tenant and one need; only their heads, in queue order: the rest cannot come before
/// them.</param>
/// <param name="Tenants">Those that have a limit or a weight; all others have neither.</param>
/// <param name="MostGrants">Of one round, so that its transaction stays short.</param>
public sealed record PoolView(
    IReadOnlyList<QueueGroup> Groups, IReadOnlyList<DeviceView> Devices, IReadOnlyDictionary<string, TenantShare> Tenants, int MostGrants)
{
    /// <summary>Slots of one device together, with what their holders use of it.</summary>
    /// <param name="uses">By lease uid; absent = nothing that is counted.</param>
    public static IReadOnlyList<DeviceView> DevicesOf(IEnumerable<SlotSnapshot> slots, IReadOnlyDictionary<string, DeviceNeed> uses) =>
    [
        .. slots.GroupBy(s => (s.Key.Node, s.Key.Device)).Select(g =>
        {
            var held = g.Where(s => s.LeaseUid is not null).Select(s => uses.GetValueOrDefault(s.LeaseUid!, DeviceNeed.None)).ToList();
            var used = new DeviceNeed(held.Sum(n => n.VramMiB), held.Sum(n => n.EncodeSessions), held.Sum(n => n.DecodeSessions));
            return new DeviceView(g.Key.Node, g.Key.Device, g.First().Traits, used, [.. g]);
        }),
    ];
}

/// <param name="HasMore">There are more than these heads.</param>
public sealed record QueueGroup(string Tenant, DeviceNeed Need, IReadOnlyList<WaitingLease> Heads, bool HasMore = false);

/// <param name="QueueAt">Its place in the queue (<see cref="QueueOrder"/>).</param>
public sealed record WaitingLease(string LeaseUid, DateTimeOffset QueueAt);

public sealed record DeviceView(string Node, string Device, DeviceTraits Traits, DeviceNeed Used, IReadOnlyList<SlotSnapshot> Slots);

/// <param name="Held">Slots that the tenant holds now, in all pools.</param>
/// <param name="Concurrency">Up to here its leases are served in queue order; null = no limit.</param>
/// <param name="MaxConcurrency">Up to here it may have what nobody else wants; null = as Concurrency.</param>
/// <param name="Weight">Its share of that; 1 or more.</param>
public sealed record TenantShare(int Held, int? Concurrency, int? MaxConcurrency, int Weight)
{
    public static TenantShare Unlimited { get; } = new(0, null, null, 1);

    public int Most => Concurrency is { } c ? Math.Max(c, MaxConcurrency ?? c) : int.MaxValue;
}
