using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Status;

/// <summary>A pool of any size fits into an object: etcd refuses more than 1.5 MiB, and 4,000 slots in a status were 1 MiB a write.</summary>
public sealed class PoolStatusViewTests
{
    [Fact]
    public void A_pool_with_few_slots_lists_all_of_them()
    {
        var slots = Slots(GpuPoolStatus.MostDevices);
        PoolStatusView.Shown(slots, _ => null).ShouldBe(slots);
    }

    [Fact]
    public void A_large_pool_lists_what_needs_a_persons_eye_before_what_is_held_and_that_before_what_is_free()
    {
        var slots = Slots(2000).Select((s, i) => i switch
        {
            1990 => s with { State = SlotState.Quarantined },
            1991 => s with { Traits = s.Traits with { OutOfService = "Cordoned" } },
            1993 => s with { State = SlotState.Granted },
            _ => s,
        }).ToList();
        var sick = new DeviceHealth(new DeviceKey("cluster", "node-1", "gpu-1992"), DeviceFitness.Degraded, DegradedBy.Probe, "Xid 79", 1, Given.At);

        var shown = PoolStatusView.Shown(slots, s => s.Key.Device == "gpu-1992" ? sick : null);

        shown.Count.ShouldBe(GpuPoolStatus.MostDevices);
        shown.TakeLast(4).Select(s => s.Key.Device).ShouldBe(["gpu-1990", "gpu-1991", "gpu-1992", "gpu-1993"]);
        shown.SkipLast(4).ShouldBe(slots.Take(GpuPoolStatus.MostDevices - 4));
    }

    static List<SlotSnapshot> Slots(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
            new SlotSnapshot(new SlotKey("cluster", "node-1", $"gpu-{i}", 0), "default", SlotState.Free, 0, null, "L4", "Gpu", 0)),
    ];
}
