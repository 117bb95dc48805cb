using Framelease.Cli.Leases;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Tests.Leases;

public sealed class LeaseCommandTests
{
    [Theory]
    [InlineData("lease run", "lease run --help")]
    [InlineData("lease run --max-wait -1 -- true", "--max-wait is -1; allowed are 0 to 604800 seconds")]
    [InlineData("lease run --vram-mib 9999999 -- true", "--vram-mib is 9999999; allowed are 0 to 1048576")]
    public async Task A_wrong_call_says_what_is_allowed(string line, string said)
    {
        var shell = new TestShell();
        (await shell.RunAsync(line.Split(' '))).ShouldBe(ExitCodes.Usage);
        shell.Error.ShouldContain(said);
    }

    [Fact]
    public void NVIDIAs_names_are_for_real_devices_alone()
    {
        var lease = new HeldLease("uid", "h", 7, "c", new LeasedDevice("GPU-a", 3, "Card", "Gpu", 1), "node-1", 60, 300, 30);
        var gpu = CommandEnvironment.Of(lease, "ns", "mine");
        (gpu["CUDA_VISIBLE_DEVICES"], gpu["NVIDIA_VISIBLE_DEVICES"], gpu["FRAMELEASE_LEASE"], gpu["FRAMELEASE_TOKEN"], gpu["FRAMELEASE_DEVICE_INDEX"])
            .ShouldBe(("GPU-a", "GPU-a", "ns/mine", "7", "3"));
        CommandEnvironment.Of(lease with { Device = lease.Device with { Kind = "Software" } }, "ns", "mine").ContainsKey("CUDA_VISIBLE_DEVICES").ShouldBeFalse();
    }

    [Fact]
    public void A_lease_asks_for_no_more_than_was_asked()
    {
        var options = new LeaseRunOptions("p", ["true"], null, null, null, null, 0, 0, 0, 0, null, false);
        var lease = LeaseObject.Of(options, "ns", Guid.Parse("0123abcd-0000-0000-0000-000000000000"), new string('x', 300));
        (lease.Metadata.Name, lease.Spec.Pool, lease.Spec.Resources, lease.Spec.PriorityBoost).ShouldBe(("run-0123abcd00000000", "p", null, null));
        lease.Spec.Holder!.Name.Length.ShouldBe(253);
        LeaseObject.Of(options with { Name = "mine", VramMiB = 5 }, "ns", Guid.Empty, "me").ShouldSatisfyAllConditions(
            l => l.Metadata.Name.ShouldBe("mine"), l => l.Spec.Resources!.VramMiB.ShouldBe(5));
    }
}
