using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Cases;

/// <summary>The status subresource keeps wish and observation apart.</summary>
public abstract class StatusCases(Server server)
{
    Api Api => server.Api;

    async Task<string> NewWidget()
    {
        var ns = await server.NewNamespace();
        (await Api.Post(Widgets.In(ns), Widgets.Body("a"))).ShouldBe(201);
        return Widgets.Of(ns, "a");
    }

    [Case]
    public async Task A_status_that_comes_with_a_new_object_is_dropped()
    {
        var ns = await server.NewNamespace();
        var body = Widgets.Body("a").TrimEnd('}') + "},\"status\":{\"phase\":\"Up\"}}";
        (await Api.Post(Widgets.In(ns), body)).ShouldBe(201).Json.ContainsKey("status").ShouldBeFalse();
    }

    [Case]
    public async Task A_write_of_the_object_leaves_the_status()
    {
        var path = await NewWidget();
        (await Api.Merge($"{path}/status", """{"status":{"phase":"Up"}}""")).ShouldBe(200);
        var patched = (await Api.Merge(path, """{"spec":{"size":5},"status":{"phase":"Down"}}""")).ShouldBe(200);
        patched.Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Up");
        patched.Json["spec"]!["size"]!.GetValue<int>().ShouldBe(5);
    }

    [Case]
    public async Task A_write_of_the_status_leaves_everything_else()
    {
        var path = await NewWidget();
        var patched = (await Api.Merge($"{path}/status", """{"metadata":{"labels":{"x":"y"}},"spec":{"size":5},"status":{"phase":"Up"}}""")).ShouldBe(200);
        patched.Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Up");
        patched.Json["spec"]!["size"]!.GetValue<int>().ShouldBe(1);
        patched.Json["metadata"]!["labels"].ShouldBeNull();
    }

    [Case]
    public async Task The_status_can_be_replaced_and_read()
    {
        var path = await NewWidget();
        var item = (await Api.Get($"{path}/status")).ShouldBe(200).Json;
        item["status"] = new System.Text.Json.Nodes.JsonObject { ["phase"] = "Up" };
        (await Api.Put($"{path}/status", item)).ShouldBe(200);
        (await Api.Put($"{path}/status", item)).ShouldFail(409, "Conflict");
        (await Api.Get(path)).Json["status"]!["phase"]!.GetValue<string>().ShouldBe("Up");
    }

    [Case]
    public async Task A_pod_has_a_status_of_its_own()
    {
        var ns = await server.NewNamespace();
        var pods = $"/api/v1/namespaces/{ns}/pods";
        (await Api.Post(pods, """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i:1"}]}}""")).ShouldBe(201);
        (await Api.Merge($"{pods}/p/status", """{"status":{"phase":"Running","podIP":"10.0.0.1"}}""")).ShouldBe(200);
        (await Api.Strategic($"{pods}/p/status", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""")).ShouldBe(200);
        var patched = await Api.Strategic($"{pods}/p/status", """{"status":{"conditions":[{"type":"Initialized","status":"True"}]}}""");
        var status = patched.ShouldBe(200).Json["status"]!;
        status["phase"]!.GetValue<string>().ShouldBe("Running");
        status["conditions"]!.AsArray().Count.ShouldBe(2);
    }

    [Case]
    public async Task A_node_has_a_status_of_its_own()
    {
        var name = $"n-{Guid.NewGuid().ToString("N")[..8]}";
        (await Api.Post("/api/v1/nodes", $$$"""{"apiVersion":"v1","kind":"Node","metadata":{"name":"{{{name}}}"}}""")).ShouldBe(201);
        (await Api.Merge($"/api/v1/nodes/{name}/status", """{"status":{"capacity":{"cpu":"2","example.com/gpu":"1"}}}""")).ShouldBe(200);
        (await Api.Get($"/api/v1/nodes/{name}")).Json["status"]!["capacity"]!["example.com/gpu"]!.GetValue<string>().ShouldBe("1");
        (await Api.Delete($"/api/v1/nodes/{name}")).ShouldBe(200);
    }
}

[Against("Local")]
[Collection(LocalCollection.Name)]
public sealed class StatusCasesOnLocalCluster(LocalServer server) : StatusCases(server);

[Against("Given")]
[Collection(GivenCollection.Name)]
public sealed class StatusCasesOnGivenServer(GivenServer server) : StatusCases(server);
