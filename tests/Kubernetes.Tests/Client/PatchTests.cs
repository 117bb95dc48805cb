using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class PatchTests
{
    [Fact]
    public void The_difference_of_two_objects_removes_changes_and_adds_and_leaves_the_rest_alone()
    {
        var before = JsonNode.Parse("""{"same":1,"gone":2,"deep":{"same":[1],"list":[1,2],"gone":true},"changed":"a"}""")!;
        var after = JsonNode.Parse("""{"same":1,"deep":{"same":[1],"list":[1],"new":{"x":1}},"changed":"b"}""")!;
        Patch.Between(before, after)!.ToNode().ToJsonString()
            .ShouldBe("""{"gone":null,"deep":{"gone":null,"list":[1],"new":{"x":1}},"changed":"b"}""");
    }

    [Fact]
    public void Equal_objects_have_no_difference() =>
        Patch.Between(new Condition("a", "True", "R", "", default), new Condition("a", "True", "R", "", default)).ShouldBeNull();

    [Fact]
    public void A_merge_patch_with_a_version_carries_it_in_metadata()
    {
        var patch = Patch.Merge(new { status = new { phase = "Done", skipped = (string?)null } });
        patch.ToNode().ToJsonString().ShouldBe("""{"status":{"phase":"Done"}}""");
        patch.IfVersion("7").ToNode().ToJsonString().ShouldBe("""{"status":{"phase":"Done"},"metadata":{"resourceVersion":"7"}}""");
        patch.ToNode()["metadata"].ShouldBeNull("the first patch is as it was");
    }

    [Fact]
    public void A_json_patch_writes_null_values_and_only_where_they_belong()
    {
        var patch = Patch.Json(JsonPatchOperation.Add("/a", null), JsonPatchOperation.Remove("/b"), JsonPatchOperation.Test($"/{JsonPatchOperation.Escape("x/y~z")}", 1));
        patch.ToNode().ToJsonString().ShouldBe("""[{"op":"add","path":"/a","value":null},{"op":"remove","path":"/b"},{"op":"test","path":"/x~1y~0z","value":1}]""");
    }

    [Theory]
    [InlineData("ns", "n", null, "api/v1/namespaces/ns/pods/n")]
    [InlineData("ns", "n", "log", "api/v1/namespaces/ns/pods/n/log")]
    [InlineData("ns", null, null, "api/v1/namespaces/ns/pods")]
    [InlineData(null, null, null, "api/v1/pods")]
    [InlineData("x:y", "a b", null, "api/v1/namespaces/x%3Ay/pods/a%20b")]
    public void Paths_follow_the_resource(string? ns, string? name, string? subresource, string path)
    {
        ResourceRef.Of<Pod>().Path(ns, name, subresource).ShouldBe(path);
        ResourceRef.Of<Lease>().Path("ns", "n").ShouldBe("apis/coordination.k8s.io/v1/namespaces/ns/leases/n");
        ResourceRef.Of<Node>().Path("ignored", "n").ShouldBe("api/v1/nodes/n");
    }

    [Fact]
    public void A_type_without_the_attribute_is_refused() => Should.Throw<ArgumentException>(() => ResourceRef.Of(typeof(string))).Message.ShouldContain("[KubernetesEntity]");
}
