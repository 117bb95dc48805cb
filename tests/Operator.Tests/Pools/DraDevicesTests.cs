using System.Text.Json;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;
using Framelease.Operator.Leases;
using Framelease.Operator.Pools;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Pools;

/// <summary>What drivers publish in ResourceSlices: a device is a slot; what cannot be leased alone is none, and says so.</summary>
public sealed class DraDevicesTests
{
    static readonly Node[] Nodes =
        [new() { Metadata = new ObjectMeta { Name = "n1", Labels = new Dictionary<string, string> { ["gpu"] = "yes" } } }];

    static GpuPool Pool(GpuPoolSpec? spec = null, string name = "default") => new()
    {
        Metadata = new ObjectMeta { Name = name }, Spec = (spec ?? new()) with { Binding = PoolBinding.DRA },
    };

    /// <summary>As a driver of cards writes it.</summary>
    static string Card(string name, string id, string more = "", string type = "gpu") => $$$"""
        {"name":"{{{name}}}","attributes":{"uuid":{"string":"{{{id}}}"},"type":{"string":"{{{type}}}"},"productName":{"string":"NVIDIA L4"},
         "driverVersion":{"version":"570.1.0"},"minor":{"int":3}},"capacity":{"memory":{"value":"23034Mi"}}{{{more}}} }
        """;

    static ResourceSlice Slice(
        string devices, long generation = 1, long count = 1, string place = """ "nodeName":"n1" """, string pool = "n1",
        string driver = "gpu.nvidia.com", string name = "n1-gpu-1") => JsonSerializer.Deserialize<ResourceSlice>(
        $$$"""
        {"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","metadata":{"name":"{{{name}}}"},"spec":{"driver":"{{{driver}}}",
         "pool":{"name":"{{{pool}}}","generation":{{{generation}}},"resourceSliceCount":{{{count}}} },{{{place}}},
         "devices":[{{{devices}}}]}}
        """, KubernetesJson.Default)!;

    static ResourceClaim Claim(string device, string more = "", string metadata = "") => JsonSerializer.Deserialize<ResourceClaim>(
        $$$"""
        {"metadata":{"name":"theirs","namespace":"team"{{{metadata}}} },"spec":{"devices":{"requests":[]}},
         "status":{"allocation":{"devices":{"results":[
          {"request":"r","driver":"gpu.nvidia.com","pool":"n1","device":"{{{device}}}"{{{more}}} }] } } } }
        """, KubernetesJson.Default)!;

    static DeviceDiscovery.Found Of(GpuPool pool, ResourceSlice[] slices, ResourceClaim[]? claims = null, GpuPool[]? others = null,
        params SlotSnapshot[] held) =>
        DeviceDiscovery.Of(pool, [pool, .. others ?? []], Nodes, "cluster", held, DraSight.Of(slices, claims ?? []));

    static IEnumerable<string> Shown(DeviceDiscovery.Found found) =>
        found.Slots.Select(s => s.Key.Device + (s.Traits.OutOfService is { } why ? $":{why}" : ""));

    static SlotSnapshot Held(string id) =>
        new(new SlotKey("cluster", "n1", id, 0), "default", SlotState.Granted, 3, "lease", "L4", "Gpu", 0);

    [Fact]
    public void A_device_is_a_slot_by_the_id_that_names_it_for_good()
    {
        var found = Of(Pool(), [Slice(Card("gpu-0", "GPU-a") + "," + Card("gpu-1", "GPU-b"))]);
        found.Problems.ShouldBeEmpty();
        found.Unfit.ShouldBeEmpty();
        found.Slots.Select(s => (s.Key.ToString(), s.DeviceName, s.DeviceKind, s.DeviceIndex, s.Traits)).ShouldBe([
            ("n1/GPU-a#0", "NVIDIA L4", "Gpu", 3, new DeviceTraits(23034, 0, 0, null, null)),
            ("n1/GPU-b#0", "NVIDIA L4", "Gpu", 3, new DeviceTraits(23034, 0, 0, null, null))]);
        Of(Pool(new() { NodeSelector = new Dictionary<string, string> { ["gpu"] = "no" } }), [Slice(Card("gpu-0", "GPU-a"))])
            .Slots.ShouldBeEmpty();
    }

    [Fact]
    public void Names_with_the_drivers_domain_are_the_same_and_another_attribute_may_name_a_device()
    {
        const string device = """
            {"name":"d0","attributes":{"npu.example.com/serial":{"string":"SN:1"},"other.example.com/serial":{"string":"no"}},
             "capacity":{"npu.example.com/memory":{"value":"1Gi"}}}
            """;
        ResourceSlice[] slices = [Slice(device, driver: "npu.example.com")];
        var spec = new GpuPoolSpec { Driver = "npu.example.com", DeviceClassName = "npu", IdAttribute = "serial" };
        Of(Pool(spec), slices).Slots.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            s => s.Key.Device.ShouldBe("SN:1"), s => s.DeviceName.ShouldBe("d0"), s => s.Traits.MemoryMiB.ShouldBe(1024));
        Shown(Of(Pool(spec with { IdAttribute = "npu.example.com/serial" }), slices)).ShouldBe(["SN:1"]);
        Shown(Of(Pool(spec with { IdAttribute = "other.example.com/serial" }), slices)).ShouldBe(["no"]);
        Of(Pool(), slices).Slots.ShouldBeEmpty();
    }

    [Fact]
    public void Only_the_newest_generation_counts_and_only_when_all_its_slices_are_there()
    {
        var old = Slice(Card("gpu-0", "GPU-old"), generation: 1);
        var first = Slice(Card("gpu-0", "GPU-a"), generation: 2, count: 2, name: "s-2");
        Shown(Of(Pool(), [old, Slice(Card("gpu-0", "GPU-a"), generation: 2, name: "s-2")])).ShouldBe(["GPU-a"]);
        var found = Of(Pool(), [old, first]);
        found.Slots.ShouldBeEmpty();
        found.Problems.ShouldHaveSingleItem().ShouldStartWith(
            "SlicesIncomplete: node n1: pool n1 of driver gpu.nvidia.com, generation 2, has 1 of 2 ResourceSlices");
        Shown(Of(Pool(), [old, first, Slice(Card("gpu-1", "GPU-b"), generation: 2, count: 2, name: "s-3")])).ShouldBe(["GPU-a", "GPU-b"]);
    }

    [Fact]
    public void A_slice_of_no_single_node_is_not_used_and_named()
    {
        foreach (var place in (string[])[
            """ "allNodes":true """, """ "nodeSelector":{"nodeSelectorTerms":[]} """, """ "perDeviceNodeSelection":true """])
        {
            var found = Of(Pool(), [Slice(Card("gpu-0", "GPU-a"), place: place, name: "fabric")]);
            found.Slots.ShouldBeEmpty();
            found.Problems.ShouldHaveSingleItem().ShouldStartWith(
                "DevicesNotUsed: ResourceSlice fabric of driver gpu.nvidia.com names no node");
        }
    }

    [Theory]
    [InlineData(""","consumesCounters":[{"counterSet":"gpu-0","counters":{"memory":{"value":"1Gi"}}}]""", "GPU-a", "(consumesCounters)")]
    [InlineData(""","allowMultipleAllocations":true""", "GPU-a", "(allowMultipleAllocations)")]
    [InlineData("", "GPU-a\\\" || true", "that is no id")]
    [InlineData("", "a/b", "that is no id")]
    [InlineData("", "", "that is no id")]
    [InlineData("", "GPU-x", "have the uuid of another device there")]
    public void What_cannot_be_leased_alone_and_by_name_is_no_slot_and_says_why(string more, string id, string why)
    {
        var found = Of(Pool(), [Slice(Card("gpu-0", "GPU-x") + "," + Card("gpu-1", id, more) + "," + Card("gpu-2", "GPU-z"))]);
        Shown(found).ShouldBe(["GPU-x", "GPU-z"]);
        var problem = found.Problems.ShouldHaveSingleItem();
        problem.ShouldStartWith("DevicesNotUsed: node n1: gpu-1 of driver gpu.nvidia.com ");
        problem.ShouldContain(why);
    }

    [Fact]
    public void A_device_without_the_attribute_is_no_slot_and_many_are_named_in_short()
    {
        var devices = string.Join(',', Enumerable.Range(0, 12).Select(
            n => $$$$"""{"name":"d{{{{n:00}}}}","attributes":{"type":{"string":"gpu"}}}"""));
        var found = Of(Pool(), [Slice(devices)]);
        found.Slots.ShouldBeEmpty();
        found.Problems.ShouldHaveSingleItem().ShouldBe(
            "DevicesNotUsed: node n1: d00, d01, d02, d03, d04, d05, d06, d07 and 4 more of driver gpu.nvidia.com have no string attribute "
            + "uuid (spec.idAttribute); not used");
    }

    [Fact]
    public void A_taint_that_keeps_pods_away_makes_a_device_unfit_and_one_without_effect_does_not()
    {
        const string taints = ""","taints":[{"key":"example.com/xid","value":"79","effect":"NoSchedule"}]""";
        var found = Of(Pool(), [Slice(
            Card("gpu-0", "GPU-a", taints) + ","
            + Card("gpu-1", "GPU-b", ""","taints":[{"key":"k","effect":"None"}]""") + ","
            + Card("gpu-2", "GPU-c", ""","taints":[{"key":"k","effect":"NoExecute"}]"""))]);
        Shown(found).ShouldBe(["GPU-a:Degraded", "GPU-b", "GPU-c:Degraded"]);
        found.Unfit.ShouldBe(new Dictionary<(string, string), string>
        {
            [("n1", "GPU-a")] = "its ResourceSlice has the taint example.com/xid=79:NoSchedule",
            [("n1", "GPU-c")] = "its ResourceSlice has the taint k:NoExecute",
        });
    }

    [Fact]
    public void A_device_of_anothers_claim_is_out_of_service_until_that_is_gone()
    {
        ResourceSlice[] slices = [Slice(Card("gpu-0", "GPU-a") + "," + Card("gpu-1", "GPU-b"))];
        var found = Of(Pool(), slices, [Claim("gpu-1")]);
        Shown(found).ShouldBe(["GPU-a", "GPU-b:Taken"]);
        found.Slots[1].Traits.Reason.ShouldBe("ResourceClaim team/theirs");
        Shown(Of(Pool(), slices, [Claim("gpu-1", ""","adminAccess":true""")])).ShouldBe(["GPU-a", "GPU-b"]);
        var ours = Claim("gpu-1", "", $$"""
            ,"labels":{"app.kubernetes.io/managed-by":"framelease"},
            "ownerReferences":[{"apiVersion":"{{ApiGroup.ApiVersion}}","kind":"GpuLease","name":"l","uid":"u"}]
            """);
        Shown(Of(Pool(), slices, [ours])).ShouldBe(["GPU-a", "GPU-b"]);
    }

    [Fact]
    public void Who_holds_a_device_that_is_published_no_more_keeps_its_slot_and_nobody_gets_it_next()
    {
        Shown(Of(Pool(), [Slice(Card("gpu-0", "GPU-a"))], null, null, Held("GPU-b"))).ShouldBe(["GPU-a", "GPU-b:Surplus"]);
        Shown(Of(Pool(), [], null, null, Held("GPU-b"))).ShouldBe(["GPU-b:Surplus"]);
        Shown(Of(Pool(), [Slice(Card("gpu-0", "GPU-a"))], null, null, Held("GPU-a"))).ShouldBe(["GPU-a"]);
    }

    [Fact]
    public void Parts_of_cards_and_whole_ones_are_two_pools_of_one_driver()
    {
        var cards = Pool();
        var parts = Pool(new() { DeviceClassName = "mig.nvidia.com" }, "parts");
        ResourceSlice[] slices = [Slice(Card("gpu-0", "GPU-a") + "," + Card("gpu-1-mig-0", "MIG-b", type: "mig"))];
        Shown(Of(cards, slices, null, [parts])).ShouldBe(["GPU-a"]);
        Shown(Of(parts, slices, null, [cards])).ShouldBe(["MIG-b"]);
        Of(cards, slices, null, [Pool(new() { DeviceClassName = "fast" }, "twin")]).Problems.ShouldHaveSingleItem()
            .ShouldStartWith("Overlapping: node n1 also matches pool twin");
        var attributes = new Dictionary<string, string> { ["driverVersion"] = "570.1.0", ["minor"] = "3" };
        Shown(Of(Pool(new() { DeviceAttributes = attributes }), slices)).ShouldBe(["GPU-a", "MIG-b"]);
    }

    [Fact]
    public void Whoever_goes_past_the_cluster_on_the_same_node_is_a_rival_and_on_others_is_none()
    {
        var past = new GpuPool
        {
            Metadata = new ObjectMeta { Name = "static" },
            Spec = new GpuPoolSpec { Devices = [new StaticDevice { Node = "n1", Id = "GPU-a" }] },
        };
        ResourceSlice[] slices = [Slice(Card("gpu-0", "GPU-a"))];
        Of(Pool(), slices, null, [past]).Problems.ShouldHaveSingleItem().ShouldStartWith("Overlapping");
        Of(past, slices, null, [Pool()]).Problems.ShouldHaveSingleItem().ShouldStartWith("Overlapping");
        Shown(Of(past, [], null, [Pool()])).ShouldBe(["GPU-a"]);

        DeviceDiscovery.NeedsSight(past, [past, Pool()], Nodes).ShouldBeTrue();
        DeviceDiscovery.NeedsSight(past, [past], Nodes).ShouldBeFalse();
        var elsewhere = Pool(new() { NodeSelector = new Dictionary<string, string> { ["gpu"] = "no" } });
        DeviceDiscovery.NeedsSight(past, [past, elsewhere], Nodes).ShouldBeFalse("another pool's blindness is not its own");
        DeviceDiscovery.NeedsSight(elsewhere, [past, elsewhere], Nodes).ShouldBeTrue();
    }

    [Fact]
    public void Terms_tell_how_the_device_is_claimed()
    {
        static LeaseTerms Terms(GpuPool pool) => LeaseTermsPolicy.Of(new GpuLeaseSpec(), pool).Terms!;
        Terms(Pool()).ShouldSatisfyAllConditions(
            t => t.Dra.ShouldBe(new DraTerms("gpu.nvidia.com", "gpu.nvidia.com", "uuid")), t => t.Probe.ShouldNotBeNull(),
            t => t.DevicePlugin.ShouldBeNull());
        Terms(Pool(new() { Driver = "d", DeviceClassName = "c", IdAttribute = "i" })).Dra.ShouldBe(new DraTerms("c", "d", "i"));
        Terms(new GpuPool()).Dra.ShouldBeNull();
    }
}
