// The set of paths behind managedFields: its written form, its algebra.
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.ManagedFields;

namespace Framelease.LocalCluster.Tests.ApiServer.ManagedFields;

public sealed class FieldSetTests
{
    static FieldSet Set(string json) => FieldSet.Read((JsonObject)JsonNode.Parse(json)!);

    static string Text(FieldSet set) => set.ToJson().ToJsonString().Replace("\\u0022", "'");

    [Fact]
    public void What_is_read_is_written_again()
    {
        const string Json = """{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":"""
            + """{"f:parts":{"k:{\u0022name\u0022:\u0022p\u0022}":{".":{},"f:name":{}}}}}""";
        Set(Json).ToJson().ToJsonString().ShouldBe(Json);
    }

    [Fact]
    public void A_path_is_a_member_only_when_it_says_so()
    {
        var set = Set("""{"f:a":{"f:b":{}}}""");
        set.Find("f:a")!.IsMember.ShouldBeFalse();
        set.Find("f:a")!.Find("f:b")!.IsMember.ShouldBeTrue();
        set.Paths().ShouldBe([".a.b"]);
    }

    [Fact]
    public void Sets_are_united_cut_and_subtracted_path_by_path()
    {
        var (left, right) = (Set("""{"f:a":{".":{},"f:b":{}},"f:c":{}}"""), Set("""{"f:a":{"f:b":{},"f:d":{}},"f:c":{}}"""));
        Text(FieldSet.Union(left, right)).ShouldBe("""{"f:a":{".":{},"f:b":{},"f:d":{}},"f:c":{}}""");
        Text(FieldSet.Intersection(left, right)).ShouldBe("""{"f:a":{"f:b":{}},"f:c":{}}""");
        Text(FieldSet.Difference(left, right)).ShouldBe("""{"f:a":{}}""");
        FieldSet.Difference(left, left).IsEmpty.ShouldBeTrue();
        FieldSet.Same(left, Set("""{"f:c":{},"f:a":{"f:b":{},".":{}}}""")).ShouldBeTrue();
        FieldSet.Same(left, right).ShouldBeFalse();
    }

    [Fact]
    public void What_is_below_a_removed_path_stays() =>
        Text(FieldSet.Difference(Set("""{"f:a":{".":{},"f:b":{}}}"""), Set("""{"f:a":{}}"""))).ShouldBe("""{"f:a":{"f:b":{}}}""");

    [Fact]
    public void Paths_are_shown_as_in_messages_members_before_what_is_below() =>
        Set("""{"f:spec":{"f:size":{},"f:parts":{"k:{\"name\":\"p\"}":{"f:count":{}}},"f:tags":{"v:\"t\"":{}}}}""").Paths()
            .ShouldBe([".spec.size", ".spec.parts[name=\"p\"].count", ".spec.tags[=\"t\"]"]);
}
