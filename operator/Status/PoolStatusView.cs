using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Resources;

namespace Framelease.Operator.Status;

/// <summary>Which of a pool's slots its status lists, and what it tells of each.</summary>
static class PoolStatusView
{
    /// <summary>At most <see cref="GpuPoolStatus.MostDevices"/>, in the order in which they came: what a person has to look at, then what is held.</summary>
    public static IReadOnlyList<SlotSnapshot> Shown(IReadOnlyList<SlotSnapshot> slots, Func<SlotSnapshot, DeviceHealth?> health) =>
        slots.Count <= GpuPoolStatus.MostDevices
            ? slots
            : [.. slots.Index().OrderBy(s => Rank(s.Item, health(s.Item))).Take(GpuPoolStatus.MostDevices).OrderBy(s => s.Index).Select(s => s.Item)];

    public static SlotStatus Of(SlotSnapshot s, IReadOnlyDictionary<string, string> names, DeviceHealth? health, RecoveryTerms terms) => new()
    {
        Node = s.Key.Node,
        Device = s.Key.Device,
        Slot = s.Key.Slot,
        Name = s.DeviceName,
        State = s.IsReleasing ? LeaseState.Releasing : s.State.ToString(),
        Holder = s.LeaseUid is { } uid ? names.GetValueOrDefault(uid, uid) : null,
        Token = s.Token,
        OutOfService = s.Traits.OutOfService,
        Reason = s.Traits.Reason,
        Health = health is null or { Fitness: DeviceFitness.Healthy } ? null : health.Fitness.ToString(),
        HealthReason = health?.Reason,
        HealthTime = health is null or { Fitness: DeviceFitness.Healthy } ? null : health.Since,
        ProbationTime = health is null ? null : DeviceHealthDecider.ProbationAt(health, terms),
    };

    // Sorting keeps the order of equals.
    static int Rank(SlotSnapshot slot, DeviceHealth? health) => slot switch
    {
        { Traits.OutOfService: not null } => 0,
        { State: SlotState.Quarantined, IsReleasing: false } => 0,
        _ when health is { Fitness: not DeviceFitness.Healthy } => 0,
        { State: SlotState.Free } => 2,
        _ => 1,
    };
}
