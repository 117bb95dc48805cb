using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pods;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Pods;

/// <summary>The claim by which a pod gets the very device of its grant.</summary>
public sealed class PodClaimTests
{
    static readonly DraTerms Terms = new("gpu.nvidia.com", "gpu.nvidia.com", "uuid");

    static ResourceClaim Build(string device = "GPU-a", string leaseUid = Given.LeaseUid) => PodClaim.Build(
        new VideoTask { Metadata = new ObjectMeta { Name = "clip", Namespace = "default", Uid = Given.TaskUid } }, "clip-1", 0, 1, leaseUid,
        new LeaseGranted(new SlotKey("cluster", "node-1", device, 0), "L4", "Gpu", 0, 7, Given.Terms with { Dra = Terms }));

    [Fact]
    public void It_asks_for_one_device_by_its_id_and_goes_with_the_lease()
    {
        var claim = Build();
        (claim.Metadata.Name, claim.Metadata.Namespace, claim.Metadata.Finalizers).ShouldBe(("clip-1", "default", null));
        claim.Metadata.OwnerReferences.ShouldBe(
            [new OwnerReference(ApiGroup.ApiVersion, "GpuLease", "clip-1", Given.LeaseUid, Controller: true)]);
        var asked = claim.Spec.Devices.Requests.ShouldHaveSingleItem();
        (asked.Name, asked.Exactly!.DeviceClassName, asked.Exactly.AllocationMode, asked.Exactly.Count)
            .ShouldBe(("device", "gpu.nvidia.com", "ExactCount", 1));
        asked.Exactly.Selectors!.ShouldHaveSingleItem().Cel!.Expression.ShouldBe(
            "device.driver == \"gpu.nvidia.com\" && \"uuid\" in device.attributes[\"gpu.nvidia.com\"] "
            + "&& device.attributes[\"gpu.nvidia.com\"][\"uuid\"] == \"GPU-a\"");
        PodClaim.IsOurs(claim).ShouldBeTrue();
        PodClaim.IsOurs(claim with { Metadata = claim.Metadata with { OwnerReferences = null } }).ShouldBeFalse();
    }

    [Fact]
    public void An_attribute_of_another_domain_is_looked_for_there() =>
        PodClaim.Selector(Terms with { IdAttribute = "resource.example.com/serial" }, "SN:1").ShouldBe(
            "device.driver == \"gpu.nvidia.com\" && \"serial\" in device.attributes[\"resource.example.com\"] "
            + "&& device.attributes[\"resource.example.com\"][\"serial\"] == \"SN:1\"");

    [Theory]
    [InlineData("a\" || true || \"")]
    [InlineData("a\\")]
    [InlineData("a\n")]
    [InlineData("a b")]
    [InlineData("")]
    [InlineData("/a")]
    public void An_id_that_is_none_never_comes_into_an_expression(string id) =>
        Should.Throw<ArgumentException>(() => PodClaim.Selector(Terms, id));

    [Fact]
    public void What_an_earlier_try_made_is_the_same_and_what_others_made_is_not()
    {
        var wish = Build();
        PodClaim.IsSame(Build(), wish).ShouldBeTrue();
        PodClaim.IsSame(Build("GPU-b"), wish).ShouldBeFalse();
        PodClaim.IsSame(Build(leaseUid: "another"), wish).ShouldBeFalse();
        PodClaim.IsSame(Build() with { Metadata = new ObjectMeta { Name = "clip-1" } }, wish).ShouldBeFalse();
        PodClaim.IsSame(Build() with { Spec = new ResourceClaimSpec() }, wish).ShouldBeFalse();
    }
}
