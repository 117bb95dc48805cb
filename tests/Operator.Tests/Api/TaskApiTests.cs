using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Api;

/// <summary>Tasks and engines over HTTP, of the whole operator on a real PostgreSQL and the embedded API server. There is no node, so nothing runs.</summary>
[Collection(PostgresServer.Collection)]
public sealed class TaskApiTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;

    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server);
        var client = _platform.Client;
        await client.CreateAsync(new Tenant { Metadata = new ObjectMeta { Name = "acme" }, Spec = new TenantSpec { Namespaces = ["default"] } });
        await client.CreateAsync(new GpuPool { Metadata = new ObjectMeta { Name = "default" } });
        foreach (var name in new[] { "paint", "write" })
        {
            await client.CreateAsync(new Engine
            {
                Metadata = new ObjectMeta { Name = name },
                Spec = new EngineSpec
                {
                    Image = "worker:1", Driver = EngineDriver.FfmpegTranscode, Device = EngineDevice.Gpu,
                    Parameters = [new EngineParameter { Name = "prompt", Type = ParameterType.String, Default = "a cat" }],
                },
            });
        }
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task A_task_is_created_shown_listed_and_cancelled()
    {
        using var created = await CreateAsync(Spec("paint"), name: "one");
        created.StatusCode.ShouldBe(HttpStatusCode.Created, await created.Content.ReadAsStringAsync());
        var uid = (string)(await JsonAsync(created))["uid"]!;
        created.Headers.Location!.ToString().ShouldBe($"/api/v1/tasks/{uid}");

        var shown = await OperatorUnderTest.UntilAsync(TaskAsync, t => t["status"]?["phase"]?.GetValue<string>() == "Queued");
        ((string)shown["name"]!, (string)shown["tenant"]!, (string)shown["engine"]!).ShouldBe(("one", "acme", "paint"));
        ((string)shown["scenes"]![0]!["parameters"]!["prompt"]!).ShouldBe("a cat");
        var row = (await ListAsync("")).ShouldHaveSingleItem()!;
        ((string)row["uid"]!, (string)row["phase"]!, (int)row["scenes"]!).ShouldBe((uid, "Queued", 1));

        using var cancelled = await _platform.Api.PostAsync($"/api/v1/tasks/{uid}/cancel", null, Ct);
        cancelled.StatusCode.ShouldBe(HttpStatusCode.OK, await cancelled.Content.ReadAsStringAsync());
        var ended = await OperatorUnderTest.UntilAsync(async () => (await ListAsync("?phase=Failed")).FirstOrDefault(), r => r is not null);
        ((string)ended!["reason"]!, ended["endedAt"] is not null).ShouldBe(("Cancelled", true));
        using var again = await _platform.Api.PostAsync($"/api/v1/tasks/{uid}/cancel", null, Ct);
        (again.StatusCode, (string?)(await JsonAsync(again))["reason"]).ShouldBe((HttpStatusCode.Conflict, "TaskEnded"));

        Task<JsonNode> TaskAsync() => UntilKnownAsync($"/api/v1/tasks/{uid}");
    }

    [Fact]
    public async Task A_request_that_is_repeated_with_its_key_makes_one_task_even_after_its_object_is_gone()
    {
        using var first = await CreateAsync(Spec("paint"), key: "order 7");
        var made = await JsonAsync(first);
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ =>
        {
            using var repeated = await CreateAsync(Spec("paint"), key: "order 7");
            return (repeated.StatusCode, Uid: (string)(await JsonAsync(repeated))["uid"]!);
        }));
        answers.ShouldAllBe(a => a.StatusCode == HttpStatusCode.OK && a.Uid == (string)made["uid"]!);

        using var other = await CreateAsync(Spec("write"), key: "order 7");
        (other.StatusCode, (string?)(await JsonAsync(other))["reason"]).ShouldBe((HttpStatusCode.UnprocessableEntity, "IdempotencyKeyReused"));

        await UntilKnownAsync($"/api/v1/tasks/{made["uid"]}");
        var name = (string)made["name"]!;
        await _platform.Client.DeleteAsync<VideoTask>(name, "default", ct: Ct);
        await OperatorUnderTest.UntilAsync(() => _platform.Client.FindAsync<VideoTask>(name, "default", Ct), t => t is null);
        using var late = await CreateAsync(Spec("paint"), key: "order 7");
        (late.StatusCode, (string?)(await JsonAsync(late))["uid"]).ShouldBe((HttpStatusCode.OK, (string?)made["uid"]));
    }

    [Fact]
    public async Task What_is_wrong_is_said_in_the_API_servers_words_and_nothing_is_made()
    {
        await RefusedAsync(new JsonObject { ["engine"] = "paint" }, HttpStatusCode.UnprocessableEntity, "input must be set");
        await RefusedAsync(Spec("paint", ("colour", "red")), HttpStatusCode.BadRequest, "colour");
        using (var none = await _platform.Api.PostAsync("/api/v1/tasks", JsonContent.Create(new JsonObject { ["spec"] = "x" }), Ct))
            (none.StatusCode, (string?)(await JsonAsync(none))["detail"]).ShouldBe((HttpStatusCode.BadRequest, "spec: must be an object, as in a VideoTask"));
        using (var both = await CreateAsync(Spec("paint"), name: "a", key: "b"))
            both.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using (var longKey = await CreateAsync(Spec("paint"), key: new string('k', 256)))
            longKey.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        using (var elsewhere = await CreateAsync(Spec("paint"), ns: "nowhere"))
            elsewhere.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        foreach (var ns in new[] { "..", "a/b", "Default", new string('a', 64) })
        {
            using var odd = await CreateAsync(Spec("paint"), ns: ns);
            ((string?)(await JsonAsync(odd))["detail"]).ShouldStartWith("namespace: ", customMessage: ns);
        }

        using (var huge = await CreateAsync(Spec("paint", ("pool", new string('x', 1_100_000)))))
            huge.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await ListAsync("")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Lists_are_filtered_and_paged_and_bad_filters_are_refused()
    {
        foreach (var i in Enumerable.Range(0, 5))
        {
            using var made = await CreateAsync(Spec(i % 2 == 0 ? "paint" : "write"), name: $"t-{i}");
            await OperatorUnderTest.UntilAsync(() => ListAsync(""), l => l.Count == i + 1);
        }

        var names = new List<string>();
        for (string? next = ""; next is not null;)
        {
            var page = await _platform.GetAsync($"/api/v1/tasks?limit=2{(next.Length == 0 ? "" : "&continue=" + next)}");
            names.AddRange(page["items"]!.AsArray().Select(r => (string)r!["name"]!));
            next = (string?)page["continue"];
        }

        names.ShouldBe(["t-4", "t-3", "t-2", "t-1", "t-0"]);
        (await ListAsync("?engine=write")).Count.ShouldBe(2);
        (await ListAsync("?tenant=acme&phase=Queued&namespace=default")).Count.ShouldBe(5);
        (await ListAsync("?tenant=other")).ShouldBeEmpty();
        (await ListAsync("?phase=Running")).ShouldBeEmpty();
        (await ListAsync("?since=2100-01-01T00:00:00Z")).ShouldBeEmpty();
        (await ListAsync("?until=2100-01-01T00:00:00Z")).Count.ShouldBe(5);
        foreach (var bad in new[] { "phase=Lost", "limit=0", "limit=501", "continue=x", "since=soon" })
        {
            using var answer = await _platform.Api.GetAsync($"/api/v1/tasks?{bad}", Ct);
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, bad);
        }
    }

    [Fact]
    public async Task Engines_tell_what_they_take_and_whether_they_are_ready()
    {
        var engines = await OperatorUnderTest.UntilAsync(
            async () => (await _platform.GetAsync("/api/v1/engines"))["items"]!.AsArray(), e => e.Count == 2 && e.All(x => (bool)x!["ready"]!));
        engines.Select(e => (string)e!["name"]!).ShouldBe(["paint", "write"]);
        var parameter = engines[0]!["parameters"]![0]!;
        ((string)parameter["name"]!, (string)parameter["type"]!, (string)parameter["default"]!).ShouldBe(("prompt", "String", "a cat"));
    }

    [Fact]
    public async Task Nobody_sees_or_makes_tasks_without_a_right()
    {
        using var stranger = new HttpClient { BaseAddress = _platform.Api.BaseAddress };
        foreach (var path in new[] { "/api/v1/tasks", "/api/v1/tasks/x", "/api/v1/engines" })
        {
            using var answer = await stranger.GetAsync(path, Ct);
            answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, path);
        }

        using var made = await stranger.PostAsync("/api/v1/tasks", JsonContent.Create(new JsonObject { ["spec"] = Spec("paint") }), Ct);
        made.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    async Task RefusedAsync(JsonObject spec, HttpStatusCode status, string detail)
    {
        using var answer = await CreateAsync(spec);
        answer.StatusCode.ShouldBe(status);
        ((string)(await JsonAsync(answer))["detail"]!).ShouldContain(detail);
    }

    // A file of the node, which nobody fetches here.
    static JsonObject Spec(string engine, params (string Field, JsonNode Value)[] more)
    {
        var spec = new JsonObject { ["engine"] = engine, ["input"] = new JsonObject { ["uri"] = "https://example.org/a.mp4" } };
        foreach (var (field, value) in more)
            spec[field] = value;
        return spec;
    }

    async Task<HttpResponseMessage> CreateAsync(JsonObject spec, string? name = null, string? key = null, string? ns = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/tasks")
        {
            Content = JsonContent.Create(new JsonObject { ["name"] = name, ["namespace"] = ns, ["spec"] = spec }),
        };
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await _platform.Api.SendAsync(request, Ct);
    }

    async Task<JsonArray> ListAsync(string query) => (await _platform.GetAsync("/api/v1/tasks" + query))["items"]!.AsArray();

    // A task is in the log from its acceptance on.
    Task<JsonNode> UntilKnownAsync(string path) => OperatorUnderTest.UntilAsync(
        async () =>
        {
            using var answer = await _platform.Api.GetAsync(path, Ct);
            return answer.IsSuccessStatusCode ? await JsonAsync(answer) : new JsonObject();
        },
        t => t["uid"] is not null);

    static async Task<JsonNode> JsonAsync(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
}
