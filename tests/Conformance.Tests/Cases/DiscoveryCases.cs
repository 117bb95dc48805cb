using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>Discovery and OpenAPI, as clients of every age read them.</summary>
public abstract class DiscoveryCases(Server server)
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

    Api Api => server.Api;

    [Case]
    public async Task The_version_is_one_of_kubernetes()
    {
        var version = (await Api.Get("/version")).ShouldBe(200).Json;
        version["major"]!.GetValue<string>().ShouldBe("1");
        version["gitVersion"]!.GetValue<string>().ShouldStartWith("v1.");
    }

    [Case]
    public async Task Groups_and_versions_are_listed()
    {
        (await Api.Get("/api")).ShouldBe(200).Json["versions"]!.AsArray().Select(v => v!.GetValue<string>()).ShouldBe(["v1"]);
        var groups = (await Api.Get("/apis")).ShouldBe(200).Json["groups"]!.AsArray();
        var group = groups.Single(g => g!["name"]!.GetValue<string>() == "conformance.framelease.dev")!;
        group["preferredVersion"]!["groupVersion"]!.GetValue<string>().ShouldBe("conformance.framelease.dev/v1");
        groups.Select(g => g!["name"]!.GetValue<string>()).ShouldContain("apiextensions.k8s.io");
        (await Api.Get("/apis/conformance.framelease.dev")).ShouldBe(200).Json["kind"]!.GetValue<string>().ShouldBe("APIGroup");
    }

    [Case]
    public async Task Resources_name_their_verbs_short_names_and_status()
    {
        var list = (await Api.Get("/apis/conformance.framelease.dev/v1")).ShouldBe(200).Json;
        list["kind"]!.GetValue<string>().ShouldBe("APIResourceList");
        var resources = list["resources"]!.AsArray().ToDictionary(r => r!["name"]!.GetValue<string>(), r => r!);
        resources["widgets"]["shortNames"]!.ToJsonString().ShouldBe("""["wdg"]""");
        resources["widgets"]["categories"]!.ToJsonString().ShouldBe("""["gadgets"]""");
        resources["widgets"]["singularName"]!.GetValue<string>().ShouldBe("widget");
        resources.ShouldContainKey("widgets/status");
        var core = (await Api.Get("/api/v1")).ShouldBe(200).Json["resources"]!.AsArray().Select(r => r!["name"]!.GetValue<string>()).ToList();
        foreach (var name in new[] { "namespaces", "pods", "pods/status", "nodes", "events", "configmaps", "secrets", "services", "serviceaccounts" })
            core.ShouldContain(name);
    }

    [Case]
    public async Task Everything_can_be_discovered_in_one_answer()
    {
        var reply = (await Api.Get("/apis", Aggregated)).ShouldBe(200);
        reply.Json["kind"]!.GetValue<string>().ShouldBe("APIGroupDiscoveryList");
        reply.ContentType.ShouldContain("as=APIGroupDiscoveryList");
        var group = reply.Items.Single(item => item["metadata"]!["name"]!.GetValue<string>() == "conformance.framelease.dev");
        var resource = group["versions"]![0]!["resources"]!.AsArray().Single()!;
        resource["resource"]!.GetValue<string>().ShouldBe("widgets");
        resource["responseKind"]!["kind"]!.GetValue<string>().ShouldBe("Widget");
        resource["scope"]!.GetValue<string>().ShouldBe("Namespaced");
        resource["subresources"]![0]!["subresource"]!.GetValue<string>().ShouldBe("status");
    }

    [Case]
    public async Task A_kind_that_takes_anything_leaves_the_documents_whole()
    {
        var group = $"open{Guid.NewGuid().ToString("N")[..8]}.example.com";
        (await Api.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"sacks.{{{{group}}}}"},
             "spec":{"group":"{{{{group}}}}","scope":"Namespaced","names":{"plural":"sacks","kind":"Sack"},
              "versions":[{"name":"v1","served":true,"storage":true,
               "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """)).ShouldBe(201);
        await Api.Until(
            "/openapi/v2", reply => reply.Code == 200 && reply.Json["definitions"]!.AsObject().Any(d => d.Key.EndsWith(".Sack")), "published");
        (await Api.Get("/openapi/v3")).ShouldBe(200);
        await Api.Delete($"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sacks.{group}");
    }

    [Case]
    public async Task The_v3_document_of_a_custom_kind_has_schema_and_paths()
    {
        var index = await Api.Until("/openapi/v3", reply => reply.Json["paths"]!["apis/conformance.framelease.dev/v1"] is not null, "published");
        var url = index.Json["paths"]!["apis/conformance.framelease.dev/v1"]!["serverRelativeURL"]!.GetValue<string>();
        var document = (await Api.Get(url)).ShouldBe(200).Json;
        var widget = document["components"]!["schemas"]!.AsObject().Single(schema => schema.Key.EndsWith(".Widget")).Value!;
        widget["x-kubernetes-group-version-kind"]![0]!["kind"]!.GetValue<string>().ShouldBe("Widget");
        widget["properties"]!["spec"]!["properties"]!["size"]!["maximum"]!.GetValue<double>().ShouldBe(100);
        var patch = document["paths"]!["/apis/conformance.framelease.dev/v1/namespaces/{namespace}/widgets/{name}"]!["patch"]!;
        patch["x-kubernetes-group-version-kind"]!["kind"]!.GetValue<string>().ShouldBe("Widget");
        patch["parameters"]!.AsArray().Select(p => p!["name"]?.GetValue<string>()).ShouldContain("fieldValidation");
    }

    [Case]
    public async Task The_v2_document_defines_every_kind()
    {
        var document = await Api.Until("/openapi/v2", reply => reply.Text.Contains("conformance.v1.Widget"), "published");
        document.Json["swagger"]!.GetValue<string>().ShouldBe("2.0");
        var definitions = document.Json["definitions"]!.AsObject();
        definitions.ShouldContain(definition => definition.Key.EndsWith(".Widget"));
        definitions.ShouldContain(definition => definition.Key == "io.k8s.api.core.v1.Pod");
    }

    [Case]
    public async Task The_v2_document_as_protobuf_says_the_same()
    {
        await Api.Until("/openapi/v2", reply => reply.Text.Contains("conformance.v1.Widget"), "published");
        var bytes = await Api.GetBytes("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
        var definitions = GnosticDocument.Definitions(bytes);
        var (name, widget) = definitions.Single(definition => definition.Key.EndsWith("conformance.v1.Widget"));
        name.ShouldBe("dev.framelease.conformance.v1.Widget");
        widget.Extension("x-kubernetes-group-version-kind").ShouldContain("Widget");
        var spec = widget.Property("spec");
        spec.Type.ShouldBe("object");
        spec.Required.ShouldBe(["size"]);
        spec.Property("size").Type.ShouldBe("integer");
        spec.Property("tags").Items.Type.ShouldBe("string");
        spec.Property("limits").Additional.Type.ShouldBe("integer");
        widget.Property("metadata").Reference.ShouldBe("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        definitions.ShouldContainKey("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class DiscoveryCasesOnLocalCluster(LocalServer server) : DiscoveryCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class DiscoveryCasesOnGivenServer(GivenServer server) : DiscoveryCases(server);
