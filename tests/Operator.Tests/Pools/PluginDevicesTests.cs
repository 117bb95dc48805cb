using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Leases;
using Framelease.Operator.Pools;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Pools;

/// <summary>Slots of nodes whose kubelets hand out the devices: as many as there are, and who held one keeps it.</summary>
public sealed class PluginDevicesTests
{
    static GpuPool Pool(GpuPoolSpec? spec = null, string name = "default") => new()
    {
        Metadata = new ObjectMeta { Name = name }, Spec = (spec ?? new()) with { Binding = PoolBinding.DevicePlugin },
    };

    static Node Node(
        string count, string resource = "nvidia.com/gpu", Dictionary<string, string>? labels = null, string? devices = null) => new()
        {
            Metadata = new ObjectMeta
            {
                Name = "n1",
                Labels = labels,
                Annotations = devices is null ? null : new Dictionary<string, string> { [ApiGroup.DevicesAnnotation] = devices },
            },
            Status = new NodeStatus { Allocatable = new Dictionary<string, string> { ["cpu"] = "8", [resource] = count } },
        };

    static SlotSnapshot Held(int number) => new(
        new SlotKey("cluster", "n1", $"nvidia.com.gpu-{number}@n1", 0), "default", SlotState.Granted, 3, "lease", "L4", "Gpu", number);

    static DeviceDiscovery.Found Of(GpuPool pool, Node node, GpuPool[]? others = null, params SlotSnapshot[] held) =>
        DeviceDiscovery.Of(pool, [pool, .. others ?? []], [node], "cluster", held);

    static IEnumerable<string> Shown(DeviceDiscovery.Found found) =>
        found.Slots.Select(s => $"{s.DeviceIndex}{(s.Traits.OutOfService is { } why ? ":" + why : "")}");

    [Fact]
    public void A_node_has_as_many_slots_as_its_kubelet_has_devices_whatever_its_agent_publishes()
    {
        var found = Of(Pool(), Node("2", devices: """[{"id":"GPU-a","index":0,"name":"L4","memoryMiB":1,"kind":"Gpu"}]"""));
        found.Slots.Select(s => (s.Key.ToString(), s.DeviceName, s.DeviceKind, s.Traits.MemoryMiB)).ShouldBe([
            ("n1/nvidia.com.gpu-0@n1#0", "nvidia.com/gpu", "Gpu", 0), ("n1/nvidia.com.gpu-1@n1#0", "nvidia.com/gpu", "Gpu", 0)]);
        found.Problems.ShouldBeEmpty();
        Of(Pool(), Node("0")).Slots.ShouldBeEmpty();
        Of(Pool(), Node("many")).Slots.ShouldBeEmpty();
        Of(Pool(), Node("4", "amd.com/gpu")).Slots.ShouldBeEmpty();
        Of(Pool(new() { ResourceName = "amd.com/gpu" }), Node("1", "amd.com/gpu")).Slots.ShouldHaveSingleItem()
            .Key.Device.ShouldBe("amd.com.gpu-0@n1");
    }

    [Theory]
    [InlineData("4", new int[0], "0 1 2 3")]
    [InlineData("3", new[] { 3 }, "0 1 3")] // with the one that is held, three
    [InlineData("3", new[] { 1 }, "0 1 2")]
    [InlineData("1", new[] { 0, 2 }, "0 2:Surplus")] // both keep what they hold; only one is granted again
    [InlineData("0", new[] { 0, 2 }, "0:Surplus 2:Surplus")] // its plugin starts anew
    [InlineData("5", new[] { 2, 3 }, "0 1 2 3 4")]
    public void Held_slots_stay_and_no_more_are_in_service_than_the_node_has(string count, int[] held, string slots) =>
        string.Join(' ', Shown(Of(Pool(), Node(count), null, [.. held.Select(Held)]))).ShouldBe(slots);

    [Fact]
    public void Labels_tell_name_and_memory_and_the_pool_where_there_are_none()
    {
        var labels = new Dictionary<string, string>
        {
            ["nvidia.com/gpu.product"] = "NVIDIA-L4", ["nvidia.com/gpu.memory"] = "23034", ["nvidia.com/gpu.replicas"] = "4",
        };
        var shared = Of(Pool(new() { ResourceName = "nvidia.com/gpu.shared" }), Node("4", "nvidia.com/gpu.shared", labels));
        shared.Slots.Select(s => (s.DeviceName, s.Traits.MemoryMiB)).Distinct().ShouldBe([("NVIDIA-L4", 5758)]);
        shared.Problems.ShouldBeEmpty();
        Of(Pool(new() { MemoryMiBPerDevice = 24576 }), Node("1")).Slots[0].Traits.MemoryMiB.ShouldBe(24576);
        labels.Remove("nvidia.com/gpu.replicas");
        Of(Pool(new() { MemoryMiBPerDevice = 1 }), Node("1", labels: labels)).Slots[0].Traits.MemoryMiB.ShouldBe(23034);
    }

    [Fact]
    public void A_node_that_shares_what_the_pool_calls_its_own_is_not_used()
    {
        var node = Node("4", labels: new() { ["nvidia.com/gpu.replicas"] = "4" });
        var found = Of(Pool(), node, null, Held(1));
        Shown(found).ShouldBe(["1:Surplus"]);
        found.Problems.ShouldHaveSingleItem().ShouldStartWith("DevicesShared: node n1 shares each nvidia.com/gpu among 4");
        Of(Pool(new() { Shared = true }), node).ShouldSatisfyAllConditions(f => f.Slots.Count.ShouldBe(4), f => f.Problems.ShouldBeEmpty());
    }

    [Fact]
    public void Pools_of_two_resources_share_a_node_and_one_that_goes_past_the_kubelet_is_a_rival()
    {
        var mig = Pool(new() { ResourceName = "nvidia.com/mig-1g.10gb" }, "mig");
        Of(Pool(), Node("2"), [mig]).Slots.Count.ShouldBe(2);
        Of(Pool(), Node("2"), [Pool(name: "twin")]).Problems.ShouldHaveSingleItem().ShouldStartWith("Overlapping");
        var past = new GpuPool { Metadata = new ObjectMeta { Name = "static" } };
        Of(Pool(), Node("2", devices: "[]"), [past]).Problems.ShouldHaveSingleItem().ShouldStartWith("Overlapping");
        Of(Pool(), Node("2"), [past]).Slots.Count.ShouldBe(2);
    }

    [Fact]
    public void A_cordon_names_a_slots_device_and_listed_devices_are_not_used()
    {
        var pool = Pool(new()
        {
            Cordons = [new DeviceCordon { Node = "n1", Device = "nvidia.com.gpu-1@n1" }],
            Devices = [new StaticDevice { Node = "n1", Id = "GPU-a" }],
        });
        var found = Of(pool, Node("2"));
        Shown(found).ShouldBe(["0", "1:Cordoned"]);
        found.Problems.ShouldHaveSingleItem().ShouldStartWith("spec.devices is not used with binding DevicePlugin");
    }

    [Fact]
    public void Terms_name_the_resource_and_whether_it_is_shared_and_what_is_shared_is_not_probed()
    {
        static LeaseTerms Terms(GpuPoolSpec spec) => LeaseTermsPolicy.Of(new GpuLeaseSpec(), Pool(spec)).Terms!;
        Terms(new()).ShouldSatisfyAllConditions(
            t => t.DevicePlugin.ShouldBe(new DevicePluginTerms("nvidia.com/gpu", Shared: false)), t => t.Probe.ShouldNotBeNull());
        Terms(new() { ResourceName = "nvidia.com/gpu.shared" }).ShouldSatisfyAllConditions(
            t => t.DevicePlugin!.Shared.ShouldBeTrue(), t => t.Probe.ShouldBeNull());
        Terms(new() { Shared = true }).DevicePlugin!.Shared.ShouldBeTrue();
        LeaseTermsPolicy.Of(new GpuLeaseSpec(), new GpuPool()).Terms!.DevicePlugin.ShouldBeNull();
    }
}
