// How an applied configuration is laid over an object, what it owns, and what differs between two states.
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.ManagedFields;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.Tests.ApiServer.ManagedFields;

public sealed class FieldMergeTests
{
    static readonly SchemaNode Schema = new SchemaParser([], []).Parse(Json("""
        {"type":"object","properties":{
          "size":{"type":"integer"},
          "labels":{"type":"object","additionalProperties":{"type":"string"}},
          "whole":{"type":"object","x-kubernetes-map-type":"atomic","additionalProperties":{"type":"string"}},
          "plain":{"type":"array","items":{"type":"string"}},
          "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
          "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],"items":{"type":"object",
            "properties":{"port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"},"name":{"type":"string"}}}}}}
        """), "");

    static JsonObject Json(string text) => (JsonObject)JsonNode.Parse(text)!;

    static string Merged(string live, string applied) => FieldMerge.Merge(Json(live), Json(applied), Schema)!.ToJsonString();

    static string Owned(string config) => FieldReader.Read(Json(config), Schema).ToJson().ToJsonString().Replace("\\u0022", "'");

    [Fact]
    public void Members_merge_and_atomic_ones_are_replaced() =>
        Merged("""{"labels":{"a":"1"},"whole":{"a":"1"},"plain":["x"]}""", """{"labels":{"b":"2"},"whole":{"b":"2"},"plain":["y"]}""")
            .ShouldBe("""{"labels":{"a":"1","b":"2"},"whole":{"b":"2"},"plain":["y"]}""");

    [Fact]
    public void Set_lists_gain_values_and_others_keep_their_place() =>
        Merged("""{"tags":["a","b","c"]}""", """{"tags":["n","b","z"]}""").ShouldBe("""{"tags":["a","n","b","c","z"]}""");

    [Fact]
    public void Shared_elements_come_in_the_order_of_the_configuration() =>
        Merged("""{"tags":["a","x","b"]}""", """{"tags":["b","a"]}""").ShouldBe("""{"tags":["b","a","x"]}""");

    [Fact]
    public void Elements_are_found_by_all_keys_defaults_included() =>
        Merged("""{"ports":[{"port":80},{"port":80,"protocol":"UDP"}]}""", """{"ports":[{"port":80,"protocol":"TCP","name":"web"}]}""")
            .ShouldBe("""{"ports":[{"port":80,"protocol":"TCP","name":"web"},{"port":80,"protocol":"UDP"}]}""");

    [Fact]
    public void A_configuration_owns_what_it_says()
    {
        Owned("""{"size":1,"labels":{"a":"1"},"whole":{"a":"1"},"plain":["x"],"tags":["t"]}""")
            .ShouldBe("""{"f:labels":{"f:a":{}},"f:plain":{},"f:size":{},"f:tags":{"v:'t'":{}},"f:whole":{}}""");
        Owned("""{"ports":[{"port":80}],"labels":{}}""")
            .ShouldBe("""{"f:labels":{},"f:ports":{"k:{'port':80,'protocol':'TCP'}":{".":{},"f:port":{}}}}""");
    }

    [Fact]
    public void A_comparison_tells_what_came_changed_and_went()
    {
        var comparison = FieldComparison.Of(
            Json("""{"size":1,"labels":{"a":"1","b":"2"},"tags":["x"]}"""),
                Json("""{"size":2,"labels":{"a":"1"},"tags":["x","y"],"plain":[]}"""), Schema);
        comparison.Modified.Paths().ShouldBe([".size"]);
        comparison.Removed.Paths().ShouldBe([".labels.b"]);
        comparison.Added.Paths().ShouldBe([".plain", ".tags[=\"y\"]"]);
    }

    [Fact]
    public void Two_elements_of_one_key_are_owned_as_one()
    {
        var twice = Json("""{"ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}]}""");
        FieldReader.Read(twice, Schema).Paths().ShouldBe([".ports[port=80,protocol=\"TCP\"]"]);
        FieldComparison.Of(twice, Json("""{"ports":[{"port":80,"name":"a"},{"port":80,"name":"c"}]}"""), Schema)
            .Modified.Paths().ShouldBe([".ports[port=80,protocol=\"TCP\"]"]);
    }

    [Fact]
    public void Removal_takes_elements_and_members_but_no_part_of_what_is_whole()
    {
        var item = Json("""{"labels":{"a":"1","b":"2"},"whole":{"a":"1"},"tags":["x","y"]}""");
        FieldMerge.Remove(item, FieldSet.Read(Json("""{"f:labels":{"f:a":{}},"f:whole":{"f:a":{}},"f:tags":{"v:\"x\"":{}}}""")), Schema);
        item.ToJsonString().ShouldBe("""{"labels":{"b":"2"},"whole":{"a":"1"},"tags":["y"]}""");
    }

    [Theory]
    [InlineData("""{"surprise":1}""", ".surprise: field not declared in schema")]
    [InlineData("""{"size":"big"}""", ".size: expected numeric (int or float), got \"big\"")]
    [InlineData("""{"tags":["x","x"]}""", ".tags: duplicate entries for key [=\"x\"]")]
    [InlineData("""{"labels":[]}""", ".labels: expected map, got []")]
    public void Configurations_that_cannot_be_owned_are_refused(string config, string problem) =>
        Should.Throw<Framelease.LocalCluster.ApiServer.Errors.ApiException>(() => AppliedShape.Check(Json(config), Schema)).Message
            .ShouldContain(problem);
}
