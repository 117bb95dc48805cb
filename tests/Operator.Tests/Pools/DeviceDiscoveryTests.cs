using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pools;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Pools;

/// <summary>Which slots a pool has, and which of them serve.</summary>
public sealed class DeviceDiscoveryTests
{
    const string Two = """
        [{"id":"GPU-a","index":0,"name":"L4","memoryMiB":24576,"kind":"Gpu"},
         {"id":"GPU-b","index":1,"name":"L4","memoryMiB":24576,"kind":"Gpu","health":"Degraded","healthReason":"Xid 79"}]
        """;

    static Node Node(string name, string? devices = Two, bool cordoned = false, string zone = "a") => new()
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Labels = new Dictionary<string, string> { ["zone"] = zone },
            Annotations = devices is null ? null : new Dictionary<string, string> { [ApiGroup.DevicesAnnotation] = devices },
        },
        Spec = new NodeSpec { Unschedulable = cordoned },
    };

    static GpuPool Pool(string name = "default", GpuPoolSpec? spec = null) =>
        new() { Metadata = new ObjectMeta { Name = name }, Spec = spec ?? new() };

    static DeviceDiscovery.Found Of(GpuPool pool, IReadOnlyList<Node> nodes, params GpuPool[] others) =>
        DeviceDiscovery.Of(pool, [pool, .. others], nodes, "cluster");

    [Fact]
    public void What_a_node_says_of_its_devices_is_found_behind_a_cordon_too() =>
        Of(Pool(), [Node("n1", cordoned: true)]).Unfit.ShouldBe([KeyValuePair.Create(("n1", "GPU-b"), "Xid 79")]);

    [Fact]
    public void A_node_that_publishes_nothing_has_the_devices_that_the_pool_lists_for_it()
    {
        var spec = new GpuPoolSpec
        {
            NodeSelector = new Dictionary<string, string> { ["zone"] = "a" },
            Devices =
            [
                new StaticDevice { Node = "n1", Id = "GPU-x", Index = 0, MemoryMiB = 24576 },
                new StaticDevice { Node = "n1", Id = "soft", Index = 1, Kind = StaticDeviceKind.Software, Name = "slot" },
            ],
        };
        var found = Of(Pool(spec: spec), [Node("n1", null)]);
        found.Slots.Select(s => (s.Key.ToString(), s.DeviceKind, s.DeviceName, s.DeviceIndex, s.Traits.MemoryMiB)).ShouldBe(
            [("n1/GPU-x#0", "Gpu", "GPU-x", 0, 24576), ("n1/soft#0", "Software", "slot", 1, 0)]);
        found.Problems.ShouldBeEmpty();
        Of(Pool(spec: spec), [Node("n1", null)], Pool("rival", spec)).ShouldSatisfyAllConditions(
            f => f.Slots.ShouldBeEmpty(), f => f.Problems.ShouldHaveSingleItem().ShouldStartWith("Overlapping: node n1"));
    }

    [Fact]
    public void What_a_pool_lists_in_vain_or_twice_is_told()
    {
        StaticDevice Listed(string node, string id = "GPU-a") => new() { Node = node, Id = id };
        var spec = new GpuPoolSpec
        {
            NodeSelector = new Dictionary<string, string> { ["zone"] = "a" },
            Devices = [Listed("gone"), Listed("other"), Listed("talks"), Listed("mute"), Listed("mute")],
        };
        var found = Of(Pool(spec: spec), [Node("talks"), Node("other", null, zone: "b"), Node("mute", null)]);
        found.Slots.Select(s => s.Key.ToString()).ShouldBe(["mute/GPU-a#0", "talks/GPU-a#0", "talks/GPU-b#0"]);
        found.Problems.ShouldBe([
            "node mute lists twice: GPU-a; the first entry counts",
            "spec.devices of node gone are not used: there is no such node",
            "spec.devices of node other are not used: nodeSelector does not match it",
            "spec.devices of node talks are not used: it publishes its own devices"]);
    }

    [Fact]
    public void Every_device_of_every_matching_node_has_the_slots_that_the_pool_gives_it()
    {
        var found = Of(Pool(spec: new GpuPoolSpec { SlotsPerDevice = 2, EncodeSessionsPerDevice = 5 }),
            [Node("n2"), Node("n1"), Node("n3", null)]);
        found.Slots.Select(s => s.Key.ToString()).ShouldBe([
            "n1/GPU-a#0", "n1/GPU-a#1", "n1/GPU-b#0", "n1/GPU-b#1", "n2/GPU-a#0", "n2/GPU-a#1", "n2/GPU-b#0", "n2/GPU-b#1"]);
        found.Slots[0].Traits.ShouldBe(new DeviceTraits(24576, 5, 0));
        found.Problems.ShouldBeEmpty();
    }

    [Fact]
    public void A_device_that_its_node_calls_degraded_keeps_its_slot_and_gets_no_lease() =>
        Of(Pool(), [Node("n1")]).Slots.Select(s => (s.Key.Device, s.Traits.OutOfService, s.Traits.Reason)).ShouldBe([
            ("GPU-a", null, null), ("GPU-b", "Degraded", "Xid 79")]);

    [Fact]
    public void A_cordon_names_a_device_or_a_whole_node_and_a_cordoned_node_counts_too()
    {
        var one = Pool(spec: new GpuPoolSpec { Cordons = [new DeviceCordon { Node = "n1", Device = "GPU-a", Reason = "fan" }] });
        Of(one, [Node("n1"), Node("n2")]).Slots.Where(s =>
            s.Traits.OutOfService == "Cordoned").ShouldHaveSingleItem().Traits.Reason.ShouldBe("fan");
        var all = Pool(spec: new GpuPoolSpec { Cordons = [new DeviceCordon { Node = "n1" }] });
        Of(all, [Node("n1"), Node("n2")]).Slots.Count(s => s.Traits.OutOfService == "Cordoned").ShouldBe(2);
        Of(Pool(), [Node("n1", cordoned: true)]).Slots.ShouldAllBe(s => s.Traits.Reason == "the node is cordoned");
    }

    [Fact]
    public void Only_a_cordon_that_says_so_drains()
    {
        var pool = Pool(spec: new GpuPoolSpec
        {
            Cordons = [new DeviceCordon { Node = "n1", Device = "GPU-a", Drain = true },
            new DeviceCordon { Node = "n2" }]
        });
        Of(pool, [Node("n1"), Node("n2")]).Slots.Where(s => DeviceDiscovery.DrainOf(pool, s) is not null).ShouldHaveSingleItem()
            .Key.ToString().ShouldBe("n1/GPU-a#0");
    }

    [Fact]
    public void A_node_that_two_pools_match_belongs_to_none()
    {
        var narrow = Pool("zone-a", new GpuPoolSpec { NodeSelector = new Dictionary<string, string> { ["zone"] = "a" } });
        var found = Of(narrow, [Node("n1"), Node("n2", zone: "b")], Pool());
        found.Slots.ShouldBeEmpty();
        found.Problems.ShouldHaveSingleItem().ShouldBe("Overlapping: node n1 also matches pool default; its devices belong to none");
        Of(Pool(), [Node("n1"), Node("n2", zone: "b")], narrow).Slots.Select(s => s.Key.Node).Distinct().ShouldBe(["n2"]);
    }

    [Fact]
    public void A_list_of_devices_that_cannot_be_read_is_told_of() =>
        Of(Pool(), [Node("n1",
            "[")]).Problems.ShouldHaveSingleItem().ShouldStartWith("node n1: annotation framelease.dev/devices is not a list of devices");
}
