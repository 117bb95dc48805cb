using System.Text.Json.Nodes;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>What a definition may declare besides its schema: scale, selectable fields, rules that are not evaluated.</summary>
public abstract class ScaleCases(Server server)
{
    const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    Api Api => server.Api;

    async Task<(string Group, string Fleets)> NewKind(Action<JsonObject>? change = null)
    {
        var group = $"g{Guid.NewGuid().ToString("N")[..8]}.example.com";
        var definition = JsonNode.Parse($$$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"fleets.{{{{{group}}}}}"},
             "spec":{"group":"{{{{{group}}}}}","scope":"Namespaced","names":{"plural":"fleets","kind":"Fleet"},
              "versions":[{"name":"v1","served":true,"storage":true,
               "subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size",
                "labelSelectorPath":".status.selector"}},
               "selectableFields":[{"jsonPath":".spec.color"},{"jsonPath":".spec.size"}],
               "schema":{"openAPIV3Schema":{"type":"object","properties":{
                "spec":{"type":"object","properties":{"size":{"type":"integer","maximum":9},"color":{"type":"string"} } },
                "status":{"type":"object","properties":{"size":{"type":"integer"},"selector":{"type":"string"}}} }} }}]}}
            """)!.AsObject();
        change?.Invoke(definition);
        (await Api.Post(Definitions, definition)).ShouldBe(201);
        await Api.Until($"/apis/{group}/v1/fleets", reply => reply.Code == 200, "served");
        return (group, $"/apis/{group}/v1/namespaces/{await server.NewNamespace()}/fleets");
    }

    static string Fleet(string group, string name, string spec) =>
        $$$$$"""{"apiVersion":"{{{{{group}}}}}/v1","kind":"Fleet","metadata":{"name":"{{{{{name}}}}}"},"spec":{{{{{spec}}}}} }""";

    async Task<string> NewFleet(string spec)
    {
        var (group, fleets) = await NewKind();
        (await Api.Post(fleets, Fleet(group, "a", spec))).ShouldBe(201);
        return $"{fleets}/a";
    }

    [Case]
    public async Task A_scale_shows_wanted_and_present_replicas_and_their_selector()
    {
        var path = await NewFleet("""{"size":3}""");
        (await Api.Merge($"{path}/status", """{"status":{"size":2,"selector":"app=x"}}""")).ShouldBe(200);
        var scale = (await Api.Get($"{path}/scale")).ShouldBe(200).Json;
        scale["kind"]!.GetValue<string>().ShouldBe("Scale");
        scale["apiVersion"]!.GetValue<string>().ShouldBe("autoscaling/v1");
        scale["metadata"]!["name"]!.GetValue<string>().ShouldBe("a");
        scale["metadata"]!["resourceVersion"]!.GetValue<string>().ShouldBe((await Api.Get(path)).Revision);
        scale["spec"]!["replicas"]!.GetValue<int>().ShouldBe(3);
        scale["status"]!["replicas"]!.GetValue<int>().ShouldBe(2);
        scale["status"]!["selector"]!.GetValue<string>().ShouldBe("app=x");
    }

    [Case]
    public async Task A_scale_can_be_patched_and_replaced()
    {
        var path = await NewFleet("""{"size":3,"color":"red"}""");
        (await Api.Merge($"{path}/scale", """{"spec":{"replicas":5}}""")).ShouldBe(200).Json["spec"]!["replicas"]!.GetValue<int>()
            .ShouldBe(5);
        (await Api.JsonPatch($"{path}/scale", """[{"op":"replace","path":"/spec/replicas","value":6}]""")).ShouldBe(200);
        var scale = (await Api.Get($"{path}/scale")).Json;
        scale["spec"]!["replicas"] = 7;
        (await Api.Put($"{path}/scale", scale)).ShouldBe(200);
        (await Api.Put($"{path}/scale", scale)).ShouldFail(409, "Conflict");
        var item = (await Api.Get(path)).Json;
        item["spec"]!["size"]!.GetValue<int>().ShouldBe(7);
        item["spec"]!["color"]!.GetValue<string>().ShouldBe("red");
        item["metadata"]!["generation"]!.GetValue<int>().ShouldBe(4);
    }

    [Case]
    public async Task A_scale_is_validated_as_the_object_is()
    {
        var path = await NewFleet("""{"size":3}""");
        (await Api.Merge($"{path}/scale", """{"spec":{"replicas":-1}}""")).ShouldFail(422, "Invalid");
        (await Api.Merge($"{path}/scale", """{"spec":{"replicas":10}}""")).ShouldFail(422, "Invalid");
        (await Api.Get($"{path}x/scale")).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task Only_kinds_that_declare_a_scale_have_one()
    {
        var (group, _) = await NewKind();
        var resources = await Api.Until($"/apis/{group}/v1", reply => reply.Code == 200, "discovered");
        var scale = resources.Json["resources"]!.AsArray().Single(r => r!["name"]!.GetValue<string>() == "fleets/scale")!;
        scale["group"]!.GetValue<string>().ShouldBe("autoscaling");
        scale["kind"]!.GetValue<string>().ShouldBe("Scale");
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        (await Api.Get($"{Widgets.Of(ns, "a")}/scale")).ShouldFail(404, "NotFound");
    }

    [Case]
    public async Task Declared_fields_can_be_selected_and_others_not()
    {
        var (group, fleets) = await NewKind();
        (await Api.Post(fleets, Fleet(group, "a", """{"size":1,"color":"red"}"""))).ShouldBe(201);
        (await Api.Post(fleets, Fleet(group, "b", """{"size":2,"color":"red"}"""))).ShouldBe(201);
        (await Api.Post(fleets, Fleet(group, "c", """{"size":2,"color":"blue"}"""))).ShouldBe(201);
        (await Api.Get($"{fleets}?fieldSelector=spec.color%3Dred")).ShouldBe(200).Names.ShouldBe(["a", "b"]);
        (await Api.Get($"{fleets}?fieldSelector=spec.color%3Dred,spec.size%3D2")).ShouldBe(200).Names.ShouldBe(["b"]);
        (await Api.Get($"{fleets}?fieldSelector=spec.color!%3Dred")).ShouldBe(200).Names.ShouldBe(["c"]);
        (await Api.Get($"{fleets}?fieldSelector=spec.other%3D1")).ShouldFail(400, "BadRequest").Message.ShouldContain("spec.other");
    }

    [Case]
    public async Task A_watch_follows_what_enters_and_leaves_a_field_selection()
    {
        var (group, fleets) = await NewKind();
        var start = (await Api.Post(fleets, Fleet(group, "a", """{"color":"red"}"""))).ShouldBe(201).Revision;
        using var watch = await Api.Watch($"{fleets}?resourceVersion={start}&fieldSelector=spec.color%3Dblue");
        (await Api.Merge($"{fleets}/a", """{"spec":{"color":"blue"}}""")).ShouldBe(200);
        (await Api.Merge($"{fleets}/a", """{"spec":{"color":"green"}}""")).ShouldBe(200);
        (await watch.Change()).Type.ShouldBe("ADDED");
        (await watch.Change()).Type.ShouldBe("DELETED");
    }

    [Case]
    public async Task A_scale_path_must_lie_where_replicas_can_be()
    {
        var group = $"g{Guid.NewGuid().ToString("N")[..8]}.example.com";
        (await Api.Post(Definitions, $$$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"fleets.{{{{{group}}}}}"},
             "spec":{"group":"{{{{{group}}}}}","scope":"Namespaced","names":{"plural":"fleets","kind":"Fleet"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}},
               "subresources":{"status":{},"scale":{"specReplicasPath":".metadata.size","statusReplicasPath":".status.size"}}}]}}
            """)).ShouldFail(422, "Invalid").Fields.ShouldContain(field => field.EndsWith("subresources.scale.specReplicasPath"));
    }

    [Case]
    public async Task The_writer_of_a_scale_owns_the_field_behind_it()
    {
        var path = await NewFleet("""{"size":3}""");
        (await Api.Send(HttpMethod.Patch, $"{path}/scale?fieldManager=scaler", """{"spec":{"replicas":5}}""",
            "application/merge-patch+json"))
            .ShouldBe(200);
        (await Api.Get(path)).Owned("scaler", "Update", "scale").ShouldBe("""{"f:spec":{"f:size":{}}}""");
    }

    [Case]
    public async Task A_deprecated_version_warns_each_writer()
    {
        var (group, fleets) = await NewKind(definition =>
        {
            var version = definition["spec"]!["versions"]![0]!;
            version["deprecated"] = true;
            version["deprecationWarning"] = "fleets are yesterday's";
        });
        (await Api.Post(fleets, Fleet(group, "a", "{}"))).ShouldBe(201).Warnings
            .ShouldContain(warning => warning.Contains("fleets are yesterday's"));
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class ScaleCasesOnLocalCluster(LocalServer server) : ScaleCases(server)
{
    [Fact]
    public async Task A_rule_that_is_not_evaluated_is_said_to_whoever_defines_and_whoever_writes()
    {
        const string Rule = "self.size.isSorted()";
        var group = $"g{Guid.NewGuid().ToString("N")[..8]}.example.com";
        var defined = (await server.Api.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $$$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"fleets.{{{{{group}}}}}"},
             "spec":{"group":"{{{{{group}}}}}","scope":"Namespaced","names":{"plural":"fleets","kind":"Fleet"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{
               "spec":{"type":"object","properties":{"size":{"type":"array","items":{"type":"integer"} } },
                "x-kubernetes-validations":[{"rule":"{{{{{Rule}}}}}"}]}} }}}]}}
            """)).ShouldBe(201);
        defined.Warnings.ShouldContain(warning => warning.Contains("does not evaluate the rule") && warning.Contains(Rule));
        var fleets = $"/apis/{group}/v1/namespaces/{await server.NewNamespace()}/fleets";
        var body = $$$$$"""{"apiVersion":"{{{{{group}}}}}/v1","kind":"Fleet","metadata":{"name":"a"},"spec":{"size":[1]}}""";
        (await server.Api.Post(fleets, body)).ShouldBe(201).Warnings.ShouldContain(warning => warning.Contains(Rule));
    }

    [Fact]
    public async Task A_message_that_cannot_be_made_does_not_switch_its_rule_off()
    {
        var group = $"g{Guid.NewGuid().ToString("N")[..8]}.example.com";
        (await server.Api.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $$$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"fleets.{{{{{group}}}}}"},
             "spec":{"group":"{{{{{group}}}}}","scope":"Namespaced","names":{"plural":"fleets","kind":"Fleet"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{
               "spec":{"type":"object","properties":{"size":{"type":"integer"}},
                "x-kubernetes-validations":[{"rule":"self.size < 5","message":"too large",
                 "messageExpression":"'%d'.format([self.size])"}]}} }}}]}}
            """)).ShouldBe(201);
        var fleets = $"/apis/{group}/v1/namespaces/{await server.NewNamespace()}/fleets";
        (await server.Api.Post(fleets, $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Fleet","metadata":{"name":"a"},"spec":{"size":9}}"""))
            .ShouldFail(422, "Invalid").Message.ShouldContain("too large");
    }
}

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class ScaleCasesOnGivenServer(GivenServer server) : ScaleCases(server);
