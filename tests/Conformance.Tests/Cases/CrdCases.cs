using System.Text.Json.Nodes;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>CustomResourceDefinitions: from applied to served to gone.</summary>
public abstract class CrdCases(Server server)
{
    const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    Api Api => server.Api;

    static string NewGroup() => $"g{Guid.NewGuid().ToString("N")[..8]}.example.com";

    static JsonObject Definition(string group, string spec = """{"type":"object"}""", string scope = "Namespaced") => JsonNode.Parse($$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.{{{group}}}"},
         "spec":{"group":"{{{group}}}","scope":"{{{scope}}}","names":{"plural":"things","kind":"Thing"},
          "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{{{spec}}} }} }}]}}
        """)!.AsObject();

    async Task Install(string group, JsonObject definition)
    {
        (await Api.Post(Definitions, definition)).ShouldBe(201);
        await Api.Until($"/apis/{group}/v1/things", reply => reply.Code == 200, "served");
    }

    [Case]
    public async Task A_definition_becomes_established_and_its_names_are_filled_in()
    {
        var group = NewGroup();
        (await Api.Post(Definitions, Definition(group))).ShouldBe(201);
        var established = await Api.Until($"{Definitions}/things.{group}", reply => reply.Json["status"]?["conditions"]?.AsArray()
            .Any(c => c!["type"]!.GetValue<string>() == "Established" && c["status"]!.GetValue<string>() == "True") == true, "established");
        var accepted = established.Json["status"]!["acceptedNames"]!;
        accepted["singular"]!.GetValue<string>().ShouldBe("thing");
        accepted["listKind"]!.GetValue<string>().ShouldBe("ThingList");
        established.Json["status"]!["storedVersions"]!.ToJsonString().ShouldBe("""["v1"]""");
    }

    [Case]
    public async Task A_new_kind_is_discovered_and_usable()
    {
        var group = NewGroup();
        await Install(group, Definition(group));
        var resources = await Api.Until($"/apis/{group}/v1", reply => reply.Code == 200, "discovered");
        var thing = resources.Json["resources"]!.AsArray().Single(r => r!["name"]!.GetValue<string>() == "things")!;
        thing["kind"]!.GetValue<string>().ShouldBe("Thing");
        thing["namespaced"]!.GetValue<bool>().ShouldBeTrue();
        thing["verbs"]!.AsArray().Select(v => v!.GetValue<string>()).ShouldContain("watch");
        var ns = await server.NewNamespace();
        (await Api.Post($"/apis/{group}/v1/namespaces/{ns}/things",
            $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Thing","metadata":{"name":"a"}}""")).ShouldBe(201);
    }

    [Case]
    public async Task A_kind_of_cluster_scope_has_no_namespaces()
    {
        var group = NewGroup();
        await Install(group, Definition(group, scope: "Cluster"));
        var created = await Api.Post($"/apis/{group}/v1/things", $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Thing","metadata":{"name":"a"}}""");
        created.ShouldBe(201).Json["metadata"]!.AsObject().ContainsKey("namespace").ShouldBeFalse();
        (await Api.Get($"/apis/{group}/v1/namespaces/default/things")).Code.ShouldBe(404);
    }

    [Case]
    public async Task Definitions_that_cannot_be_served_are_refused()
    {
        async Task Refused(Action<JsonObject> spoil, string field)
        {
            var definition = Definition(NewGroup());
            spoil(definition);
            var refused = (await Api.Post(Definitions, definition)).ShouldFail(422, "Invalid");
            refused.Fields.ShouldContain(f => f.StartsWith(field) || f.StartsWith("spec.validation"), refused.Text);
        }

        await Refused(d => d["metadata"]!["name"] = "other.example.com", "metadata.name");
        await Refused(d => d["spec"]!["versions"]![0]!["storage"] = false, "spec.versions");
        await Refused(d => d["spec"]!["versions"]![0]!["schema"] = null, "spec.versions[0].schema");
        await Refused(d => d["spec"]!["scope"] = "Galaxy", "spec.scope");
        await Refused(d => d["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"] = new JsonObject { ["type"] = "" }, "spec.v");
    }

    [Case]
    public async Task A_changed_schema_holds_for_the_next_write()
    {
        var group = NewGroup();
        await Install(group, Definition(group, """{"type":"object","properties":{"a":{"type":"integer"}}}"""));
        var ns = await server.NewNamespace();
        var things = $"/apis/{group}/v1/namespaces/{ns}/things";
        string Body(string name, string a) => $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Thing","metadata":{"name":"{{{name}}}"},"spec":{"a":{{{a}}}}}""";
        (await Api.Post(things, Body("x", "\"text\""))).ShouldFail(422, "Invalid");
        (await Api.JsonPatch($"{Definitions}/things.{group}",
            """[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/a/type","value":"string"}]""")).ShouldBe(200);
        var deadline = DateTimeOffset.UtcNow.AddSeconds(20);
        Reply created;
        do
            created = await Api.Post(things, Body("x", "\"text\""));
        while (created.Code != 201 && DateTimeOffset.UtcNow < deadline);
        created.ShouldBe(201);
    }

    [Case]
    public async Task A_second_version_serves_the_same_objects()
    {
        var group = NewGroup();
        var definition = Definition(group);
        var versions = definition["spec"]!["versions"]!.AsArray();
        var second = versions[0]!.DeepClone();
        second["name"] = "v2";
        second["storage"] = false;
        versions.Add(second);
        await Install(group, definition);
        var ns = await server.NewNamespace();
        (await Api.Post($"/apis/{group}/v1/namespaces/{ns}/things",
            $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Thing","metadata":{"name":"a"}}""")).ShouldBe(201);
        var served = await Api.Until($"/apis/{group}/v2/namespaces/{ns}/things/a", reply => reply.Code == 200, "served as v2");
        served.Json["apiVersion"]!.GetValue<string>().ShouldBe($"{group}/v2");
        var list = (await Api.Get($"/apis/{group}/v2/namespaces/{ns}/things")).ShouldBe(200);
        list.Items.Single()["apiVersion"]!.GetValue<string>().ShouldBe($"{group}/v2");
    }

    [Case]
    public async Task Deleting_a_definition_deletes_its_objects_and_its_paths()
    {
        var group = NewGroup();
        await Install(group, Definition(group));
        var ns = await server.NewNamespace();
        (await Api.Post($"/apis/{group}/v1/namespaces/{ns}/things",
            $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Thing","metadata":{"name":"a"}}""")).ShouldBe(201);
        (await Api.Delete($"{Definitions}/things.{group}")).ShouldBe(200);
        await Api.Until($"{Definitions}/things.{group}", reply => reply.Code == 404, "gone");
        await Api.Until($"/apis/{group}/v1/namespaces/{ns}/things", reply => reply.Code == 404, "not served any more");
        await Install(group, Definition(group));
        (await Api.Get($"/apis/{group}/v1/namespaces/{ns}/things")).ShouldBe(200).Items.ShouldBeEmpty();
    }

    [Case]
    public async Task Group_and_kind_of_a_definition_cannot_change()
    {
        var group = NewGroup();
        await Install(group, Definition(group));
        (await Api.Merge($"{Definitions}/things.{group}", """{"spec":{"scope":"Cluster"}}""")).ShouldFail(422, "Invalid");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class CrdCasesOnLocalCluster(LocalServer server) : CrdCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class CrdCasesOnGivenServer(GivenServer server) : CrdCases(server);
