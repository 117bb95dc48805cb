// The list of owners on an object: what starts it, what keeps it short.
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.ManagedFields;

namespace Framelease.LocalCluster.Tests.ApiServer.ManagedFields;

public sealed class ManagedEntriesTests
{
    static FieldSet Set(string json) => FieldSet.Read((JsonObject)JsonNode.Parse(json)!);

    static ManagedEntry Updater(int number) => new(
        $"m{number}", false, "v1", "", string.Create(CultureInfo.InvariantCulture, $"2026-01-01T00:00:{number:00}Z"),
            Set($$"""{"f:l{{number}}":{} }"""));

    static JsonObject Live() => (JsonObject)JsonNode.Parse("""
        {"metadata":{"managedFields":[{"manager":"a","operation":"Apply","apiVersion":"v1","time":"t",
         "fieldsType":"FieldsV1","fieldsV1":{"f:x":{}}}]}}
        """)!;

    [Fact]
    public void More_than_ten_updaters_become_one_of_the_oldest()
    {
        var entries = ManagedEntries.Capped([.. Enumerable.Range(0, 13).Select(Updater), Updater(50) with { IsApply = true }]);
        entries.Count(entry => !entry.IsApply).ShouldBe(10);
        entries.ShouldContain(entry => entry.IsApply);
        var merged = entries.Single(entry => entry.Manager == "ancient-changes");
        merged.Fields.Paths().ShouldBe([".l0", ".l1", ".l2", ".l3"]);
        entries.ShouldNotContain(entry => entry.Manager == "m3");
    }

    [Fact]
    public void A_writer_who_sends_no_entries_or_nonsense_keeps_those_that_are_there()
    {
        ManagedEntries.Start(null, Live()).Single().Manager.ShouldBe("a");
        ManagedEntries.Start([], Live()).Single().Manager.ShouldBe("a");
        ManagedEntries.Start([new JsonObject { ["manager"] = "b" }, new JsonObject()], Live()).Single().Manager.ShouldBe("a");
    }

    [Fact]
    public void One_empty_entry_drops_them_all() => ManagedEntries.Start([new JsonObject()], Live()).ShouldBeEmpty();

    [Fact]
    public void An_updater_is_another_one_in_each_version_and_subresource_an_applier_only_in_the_latter()
    {
        var (updater, applier) = (Updater(1), Updater(1) with { IsApply = true });
        updater.IsBy("m1", false, "v2", "").ShouldBeFalse();
        applier.IsBy("m1", true, "v2", "").ShouldBeTrue();
        applier.IsBy("m1", true, "v1", "status").ShouldBeFalse();
    }
}
