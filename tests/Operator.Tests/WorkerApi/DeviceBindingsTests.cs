using Framelease.Domain.Leasing;
using Framelease.Operator.WorkerApi;

namespace Framelease.Operator.Tests.WorkerApi;

/// <summary>When what a worker sees contradicts what its pod claimed.</summary>
public sealed class DeviceBindingsTests
{
    static LeaseGranted Grant(string device) => new(
        new SlotKey("cluster", "n1", device, 0), "L4", "Gpu", 0, 7, Given.Terms with { Dra = new DraTerms("c", "gpu.nvidia.com", "uuid") });

    [Theory]
    [InlineData("GPU-a", "GPU-a")]
    [InlineData("GPU-a", "gpu-A")]
    [InlineData("GPU-a", "GPU-b GPU-a")] // too many, and its own is one of them
    [InlineData("GPU-a", "")]
    [InlineData("MIG-a", "GPU-b")] // a worker on a part may be told the whole card
    [InlineData("SN:1", "GPU-b")] // another maker's id says nothing of NVIDIA's
    public void What_may_be_its_own_device_is_taken_for_it(string claimed, string seen) =>
        DeviceBindings.WrongDevice(Grant(claimed), seen.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ShouldBeNull();

    [Theory]
    [InlineData("GPU-a", "GPU-b", "its worker sees GPU-b")]
    [InlineData("MIG-a", "MIG-b MIG-c GPU-d", "its worker sees others")]
    [InlineData("GPU-a", "GPU-<script>", "its worker sees others")]
    public void Devices_of_the_claimed_kind_among_which_it_is_not_are_a_fault(string claimed, string seen, string why) =>
        DeviceBindings.WrongDevice(Grant(claimed), seen.Split(' '))!.ShouldContain(why);

    [Fact]
    public void Where_the_kubelet_chooses_no_device_is_wrong() => DeviceBindings.WrongDevice(
        Grant("GPU-a") with { Terms = Given.Terms with { DevicePlugin = new("nvidia.com/gpu") } }, ["GPU-b"]).ShouldBeNull();
}
