using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Tests.Monitoring;

public sealed class LockKeyTests
{
    static readonly SlotRow[] Slots =
    [
        Slot("n1", "gpu-a", 0, 0, "Granted"), Slot("n1", "gpu-b", 1, 0, "Granted"), Slot("n1", "gpu-b", 1, 1, "Quarantined"),
        Slot("n2", "gpu-c", 1, 0, "Granted"), Slot("n2", "gpu-d", 2, 0, "Free"), Slot("n3", "gpu-e", 3, 0, "Free"),
            Slot("n3", "gpu-e", 3, 1, "Quarantined"),
    ];

    [Theory]
    [InlineData("gpu_lock:0", "n1/gpu-a#0")]
    [InlineData("gpu-c", "n2/gpu-c#0")]
    [InlineData("n1/gpu-a", "n1/gpu-a#0")]
    [InlineData("n1/gpu-b#1", "n1/gpu-b#1")]
    [InlineData("gpu_lock:3", "n3/gpu-e#1")] // the free slot beside it needs no release
    public void A_name_finds_the_one_slot_that_is_held(string key, string expected) =>
        LockKey.Name(LockKey.Resolve(key, Slots).ShouldBeOfType<LockKey.Resolution.Found>().Slot).ShouldBe(expected);

    [Theory]
    [InlineData("gpu_lock:1", "n1/gpu-b#0 n1/gpu-b#1 n2/gpu-c#0")] // an index of two devices
    [InlineData("gpu-b", "n1/gpu-b#0 n1/gpu-b#1")] // two slots of one device
    public void A_name_of_several_lists_them(string key, string expected) =>
        LockKey.Resolve(key, Slots).ShouldBeOfType<LockKey.Resolution.Ambiguous>().Names.ShouldBe(expected.Split(' '));

    [Theory]
    [InlineData("gpu_lock:7")]
    [InlineData("gpu_lock:-1")]
    [InlineData("gpu_lock:x")]
    [InlineData("n2/gpu-a")]
    public void A_name_of_nothing_is_unknown(string key) => LockKey.Resolve(key, Slots).ShouldBeOfType<LockKey.Resolution.Unknown>();

    [Fact]
    public void What_is_free_is_not_held() =>
        LockKey.Resolve("gpu_lock:2", Slots).ShouldBeOfType<LockKey.Resolution.NotHeld>().Names.ShouldBe(["n2/gpu-d#0"]);

    static SlotRow Slot(string node, string device, int index, int slot, string state) =>
        new("p", node, device, index, slot, "name", "Gpu", state, null, 1, state == "Free" ? null : "lease", null, Given.At);
}
