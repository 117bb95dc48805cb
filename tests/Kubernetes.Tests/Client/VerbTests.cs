// What each verb sends, and what bad input comes to. The server here answers anything with one object.
using System.Text;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class VerbTests : IAsyncLifetime
{
    static readonly ResourceRef Widgets = new("example.com", "v1", "widgets", "Widget", true);

    readonly List<(string Type, string Body, IHeaderDictionary Headers)> _seen = [];
    ScriptedServer _server = null!;
    KubernetesClient _client = null!;
    Func<HttpContext, Task> _answer = context =>
        context.Response.WriteAsync("""{"kind":"X","metadata":{"name":"a","resourceVersion":"5"},"spec":{"replicas":3}}""");

    public async Task InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var headers = new HeaderDictionary(context.Request.Headers.ToDictionary());
            _seen.Add((context.Request.ContentType ?? "", await reader.ReadToEndAsync(), headers));
            await _answer(context);
        });
        _client = _server.Connect();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Server_side_apply_names_its_manager_and_may_take_fields_over()
    {
        var wish = Map("a", "v") with { Metadata = new() { Name = "a", Namespace = "n" } };
        await _client.ServerSideApplyAsync(wish, "me", force: true);
        Last().ShouldBe("PATCH /api/v1/namespaces/n/configmaps/a?fieldManager=me&force=true");
        _seen[^1].Type.ShouldBe("application/apply-patch+yaml");
        _seen[^1].Body.ShouldBe("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"},"data":{"k":"v"}}""");
    }

    [Fact]
    public async Task Apply_without_a_manager_and_force_without_apply_are_refused_before_anything_is_sent()
    {
        (await Should.ThrowAsync<ArgumentException>(() => _client.PatchAsync(Widgets, "a", null, Patch.Apply(new JsonObject()))))
            .Message.ShouldContain("FieldManager");
        await Should.ThrowAsync<ArgumentException>(() =>
            _client.PatchAsync<JsonObject>(Widgets, "a", null, Patch.Merge(new JsonObject()), null, new() { Force = true }, default));
        _seen.ShouldBeEmpty();
    }

    [Fact]
    public async Task Strategic_and_json_patches_have_their_media_types()
    {
        await _client.PatchAsync<Pod>("a", "n", Patch.Strategic(new { spec = new { priority = 1 } }));
        _seen[^1].Type.ShouldBe("application/strategic-merge-patch+json");
        await _client.PatchAsync<Pod>("a", "n", Patch.Json(JsonPatchOperation.Remove("/spec/priority")), "status");
        (Last(), _seen[^1].Type).ShouldBe(("PATCH /api/v1/namespaces/n/pods/a/status", "application/json-patch+json"));
    }

    [Fact]
    public async Task A_collection_is_deleted_by_selector_in_one_namespace()
    {
        await _client.DeleteCollectionAsync<ConfigMap>(
            "n", new() { LabelSelector = "app=x" }, new() { PropagationPolicy = "Foreground", Preconditions = new(ResourceVersion: "7") });
        Last().ShouldBe("DELETE /api/v1/namespaces/n/configmaps?labelSelector=app%3Dx");
        _seen[^1].Body.ShouldBe(
            """{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"7"},"propagationPolicy":"Foreground"}""");
        await _client.DeleteCollectionAsync<ConfigMap>();
        Last().ShouldBe("DELETE /api/v1/namespaces/default/configmaps", "no namespace is the default one, never all");
        await Should.ThrowAsync<ArgumentException>(() => _client.DeleteCollectionAsync<ConfigMap>("n", new() { Limit = 5 }));
    }

    [Fact]
    public async Task Scale_is_read_and_written_below_any_kind()
    {
        (await _client.GetScaleAsync(Widgets, "a", "n")).Spec!.Replicas.ShouldBe(3);
        await _client.ScaleAsync(Widgets, "a", "n", 0);
        Last().ShouldBe("PATCH /apis/example.com/v1/namespaces/n/widgets/a/scale");
        _seen[^1].Body.ShouldBe("""{"spec":{"replicas":0}}""");
    }

    [Fact]
    public async Task Impersonation_goes_with_every_request()
    {
        using var client = _server.Connect(o => o with
        {
            Impersonate = new("eve", "u1", "devs", new Dictionary<string, string> { ["example.com/scope"] = "x" }),
        });
        await client.FindAsync<ConfigMap>("a");
        var headers = _seen[^1].Headers;
        ((string)headers["Impersonate-User"]!, (string)headers["Impersonate-Uid"]!).ShouldBe(("eve", "u1"));
        ((string)headers["Impersonate-Group"]!).ShouldBe("devs");
        ((string)headers["Impersonate-Extra-example.com%2Fscope"]!).ShouldBe("x");
    }

    [Theory]
    [InlineData("..", null, "metadata.name: may not be '..'")]
    [InlineData("a/b", null, "metadata.name: may not contain '/'")]
    [InlineData("a%2fb", null, "metadata.name: may not contain '%'")]
    [InlineData("a", "..", "metadata.namespace: may not be '..'")]
    [InlineData("a", "", "metadata.namespace: must not be empty")]
    public async Task A_name_that_would_lead_elsewhere_is_refused_before_anything_is_sent(string name, string? ns, string message)
    {
        var error = await Should.ThrowAsync<KubernetesException>(() => _client.DeleteAsync<ConfigMap>(name, ns));
        error.Message.ShouldContain(message);
        error.Reason.ShouldBe(KubernetesReasons.Invalid);
        error.Causes.Single().Field.ShouldStartWith("metadata.");
        _seen.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(401, KubernetesReasons.Unauthorized)]
    [InlineData(403, KubernetesReasons.Forbidden)]
    [InlineData(413, KubernetesReasons.RequestEntityTooLarge)]
    [InlineData(415, KubernetesReasons.UnsupportedMediaType)]
    [InlineData(422, KubernetesReasons.Invalid)]
    public async Task A_refusal_is_told_once_with_the_servers_words_and_fields(int code, string reason)
    {
        _answer = context =>
        {
            context.Response.StatusCode = code;
            const string Causes = """{"causes":[{"field":"spec.x","reason":"R","message":"m"}]}""";
            return context.Response.WriteAsync(
                $$"""{"kind":"Status","status":"Failure","code":{{code}},"reason":"{{reason}}","message":"no","details":{{Causes}} }""");
        };
        var nothing = Patch.Merge(new { });
        foreach (var call in (Func<Task>[])[() => _client.ListAsync<ConfigMap>(), () => _client.PatchAsync<ConfigMap>("a", null, nothing)])
        {
            _seen.Clear();
            var error = await Should.ThrowAsync<KubernetesException>(call);
            (error.Code, error.Reason, error.IsTransient).ShouldBe((code, reason, false));
            error.Causes.Single().ShouldBe(new("R", "m", "spec.x"));
            _seen.Count.ShouldBe(1, "what can not help is not tried again");
        }
    }

    [Fact]
    public async Task An_object_of_one_and_a_half_megabytes_goes_both_ways()
    {
        _answer = context => context.Response.WriteAsync(_seen[^1].Body);
        var text = new string('x', 1_500_000);
        var made = await _client.CreateAsync(Map("a", text));
        made.Data!["k"].Length.ShouldBe(text.Length);
    }

    [Fact]
    public async Task Paging_that_compaction_overtakes_begins_again_and_then_asks_for_one_list()
    {
        _answer = async context =>
        {
            var query = context.Request.Query;
            if (query.ContainsKey("continue"))
            {
                context.Response.StatusCode = 410;
                await context.Response.WriteAsync("""{"kind":"Status","code":410,"reason":"Expired","message":"too old"}""");
                return;
            }

            var next = query.ContainsKey("limit") ? ",\"continue\":\"t\"" : "";
            var all = next.Length > 0 ? "" : """,{"metadata":{"name":"b"}}""";
            await context.Response.WriteAsync(
                $$$"""{"metadata":{"resourceVersion":"9"{{{next}}}},"items":[{"metadata":{"name":"a"}}{{{all}}}]}""");
        };
        var list = await _client.ListAllAsync<ConfigMap>("n");
        list.Items.Select(i => i.Metadata.Name).ShouldBe(["a", "b"]);
        _server.Requests.Count.ShouldBe(5);
    }

    static ConfigMap Map(string name, string value) =>
        new() { Metadata = new() { Name = name }, Data = new Dictionary<string, string> { ["k"] = value } };

    string Last() => _server.Requests.Last();
}
