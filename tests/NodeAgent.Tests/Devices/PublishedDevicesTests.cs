using Framelease.Devices;
using Framelease.NodeAgent.Devices;

namespace Framelease.NodeAgent.Tests.Devices;

public sealed class PublishedDevicesTests
{
    static readonly NodeDevice A = new("GPU-a", 0, "Card", 1000, "Gpu"), B = new("GPU-b", 1, "Card", 1000, "Gpu");
    static readonly Dictionary<string, string> None = [];

    [Fact]
    public void What_is_listed_is_published_with_what_is_known_to_be_wrong()
    {
        var devices = new PublishedDevices(null);
        devices.After([A, B], new Dictionary<string, string> { ["GPU-b"] = "reset it" })
            .ShouldBe([A, B with { Health = "Degraded", HealthReason = "reset it" }]);
        devices.After([A, B], None).ShouldBe([A, B]);
        devices.After([A, B], null).ShouldBe([A, B], "a driver that does not know the question tells nothing");
    }

    [Fact]
    public void A_device_that_is_listed_no_more_stays_as_degraded_also_over_a_restart()
    {
        var gone = B with { Health = "Degraded", HealthReason = "nvidia-smi lists it no more" };
        var devices = new PublishedDevices([A, B with { Health = "Degraded", HealthReason = "old" }]);
        devices.After([A], None).ShouldBe([A, gone]);
        devices.After([A, B], None).ShouldBe([A, B]);
    }

    [Fact]
    public void One_failure_says_nothing_and_three_in_a_row_degrade_all()
    {
        var devices = new PublishedDevices([A]);
        devices.After(null, null).ShouldBeNull();
        devices.After([A], None).ShouldBe([A]);
        devices.After(null, null).ShouldBeNull();
        devices.After(null, null).ShouldBeNull();
        devices.After(null, null).ShouldBe([A with { Health = "Degraded", HealthReason = "nvidia-smi fails" }]);
        devices.After([A], None).ShouldBe([A]);
    }

    [Fact]
    public void A_node_without_devices_says_so_and_one_that_cannot_tell_says_nothing()
    {
        new PublishedDevices(null).After([], None).ShouldBe([]);
        var silent = new PublishedDevices(null);
        for (var looks = 0; looks < 5; looks++)
            silent.After(null, null).ShouldBeNull();
    }

    [Fact]
    public void Software_slots_are_not_this_agents() =>
        new PublishedDevices([new("sw-0", 0, "software slot", 0, "Software")]).After([A], None).ShouldBe([A]);
}
