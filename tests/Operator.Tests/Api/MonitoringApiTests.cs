using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Domain.Leasing;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Authority;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Api;

/// <summary>The REST API of the whole operator, over HTTP, on a real PostgreSQL and the embedded API server.</summary>
[Collection(PostgresServer.Collection)]
public sealed class MonitoringApiTests(PostgresServer server) : IAsyncLifetime
{
    static readonly CancellationToken Ct = CancellationToken.None;
    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    OperatorUnderTest _platform = null!;
    AuthorityHarness _log = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server);
        var cluster = (await _platform.Client.GetAsync<Namespace>("kube-system")).Metadata.Uid!;
        _log = new AuthorityHarness(_platform.Postgres, cluster);
        await NodeAsync("node-1", "gpu-a");
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new ObjectMeta { Name = "default" } });
        await OperatorUnderTest.UntilAsync(DevicesAsync, d => d.Count == 1);
    }

    public async Task DisposeAsync()
    {
        await _log.DisposeAsync();
        await _platform.DisposeAsync();
    }

    [Theory]
    [InlineData("gpu-lock/health", "overall_status issues_count total_attempts success_rate timeout_rate average_execution_time "
        + "recent_success_rate lock_holder lock_age timestamp")]
    [InlineData("heartbeat/all", "active_tasks dead_tasks orphaned_tasks statistics statistics.total_tasks statistics.active_tasks "
        + "statistics.dead_tasks statistics.heartbeat_failures")]
    [InlineData("statistics", "timestamp gpu_lock gpu_lock.overall_status gpu_lock.total_attempts gpu_lock.success_rate monitor "
        + "monitor.monitor_status monitor.monitor_status.status monitor.monitor_status.healthy_checks "
        + "monitor.monitor_status.unhealthy_checks monitor.monitor_stats monitor.monitor_stats.total_checks "
        + "monitor.monitor_stats.warning_count monitor.monitor_stats.successful_recoveries")]
    [InlineData("monitor/status", "monitor_status monitor_status.status monitor_status.healthy_checks monitor_status.unhealthy_checks "
        + "monitor_stats monitor_stats.total_checks monitor_stats.warning_count monitor_stats.successful_recoveries")]
    public async Task An_answer_has_the_fields_of_the_system_before_no_more_and_no_less(string route, string fields)
    {
        var answer = await _platform.GetAsync("/api/v1/monitoring/" + route);
        Fields(answer.AsObject(), "").Order(StringComparer.Ordinal).ShouldBe(fields.Split(' ').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Health_and_heartbeats_tell_of_a_worker_that_holds_a_device()
    {
        var fence = await _log.RunAsync("gpu-a", "x");
        await _log.BeatAsync(fence, 1);
        var health = await OperatorUnderTest.UntilAsync(HealthAsync, h => h["lock_holder"] is not null);
        health.ShouldSatisfyAllConditions(
            h => ((string)h["overall_status"]!).ShouldBe("healthy"), h => ((int)h["total_attempts"]!).ShouldBe(1),
            h => ((double)h["success_rate"]!).ShouldBe(1),
            h => ((double)h["lock_age"]!).ShouldBeGreaterThanOrEqualTo(0), h => ((string)h["lock_holder"]!).ShouldBe("test"));
        var heartbeats = await _platform.GetAsync("/api/v1/monitoring/heartbeat/all");
        var task = heartbeats["active_tasks"]![fence.TaskUid]!;
        ((string)task["status"]!).ShouldBe("running");
        ((double)task["progress"]!).ShouldBe(10);
        var monitor = await OperatorUnderTest.UntilAsync(
            () => _platform.GetAsync("/api/v1/monitoring/monitor/status"), m => (long)m["monitor_stats"]!["total_checks"]! > 0);
        ((string)monitor["monitor_status"]!["status"]!).ShouldBe("running");
    }

    [Fact]
    public async Task A_person_takes_a_lock_away_by_its_old_name_and_then_puts_the_slot_back_both_on_record()
    {
        var fence = await _log.RunAsync("gpu-a", "x");
        var revoked = await ReleaseAsync("gpu_lock:0", "stuck");
        ((string)revoked["lock"]!).ShouldBe("node-1/gpu-a#0");
        ((string)revoked["state"]!).ShouldBe("Quarantined");
        ((string)revoked["released_by"]!).ShouldBe("kubernetes-admin");
        var freed = await ReleaseAsync("node-1/gpu-a#0", "looked with nvidia-smi");
        ((string)freed["state"]!).ShouldBe("Free");
        var history = (await _platform.GetAsync($"/api/v1/leases/{fence.LeaseUid}/history"))["items"]!.AsArray();
        history.Select(e => (string)e!["type"]!).ShouldBe(
            ["lease_requested", "lease_granted", "lease_attached", "lease_revoked", "slot_quarantined", "slot_freed"]);
        ((string)history[3]!["actor"]!).ShouldBe("kubernetes-admin");
        ((string)history[5]!["data"]!["evidence"]!).ShouldContain("looked with nvidia-smi");
        using var again = await SendReleaseAsync("gpu_lock:0", null);
        again.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await ProblemAsync(again)).ShouldBe("NotHeld");
    }

    [Fact]
    public async Task A_device_that_its_node_calls_degraded_gets_no_lease_is_shown_everywhere_and_a_person_may_take_it_back()
    {
        await AnnotateAsync("node-1", "gpu-a", ""","health":"Degraded","healthReason":"Xid 79" """);
        var device = (await OperatorUnderTest.UntilAsync(DevicesAsync, d => d[0]!["health"] is not null))[0]!;
        var health = device["health"]!;
        ((string)device["outOfService"]!, (string)health["fitness"]!, (string)health["foundBy"]!, (string)health["reason"]!)
            .ShouldBe(("Degraded", "Degraded", "Node", "Xid 79"));
        var pool = await OperatorUnderTest.UntilAsync(
            () => _platform.Client.GetAsync<GpuPool>("default", null, Ct), p => p.Status?.DegradedDevices == 1);
        pool.Status!.Devices!.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            d => d.Health.ShouldBe("Degraded"), d => d.HealthReason.ShouldBe("Xid 79"), d => d.HealthTime.ShouldNotBeNull(),
            d => d.ProbationTime.ShouldBeNull());

        using var returned = await SendReturnAsync("gpu-a", "reset it");
        var text = await returned.Content.ReadAsStringAsync();
        returned.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        ((string)JsonNode.Parse(text)!["was"]!, (string)JsonNode.Parse(text)!["returnedBy"]!).ShouldBe(("Degraded", "kubernetes-admin"));
        // Its node says so still, and has the last word.
        await OperatorUnderTest.UntilAsync(HistoryAsync, h => h.Count(e => (string)e!["type"]! == "device_degraded") == 2);
        await AnnotateAsync("node-1", "gpu-a", "");
        var history = await OperatorUnderTest.UntilAsync(HistoryAsync, h => h.Count(e => (string)e!["type"]! == "device_returned") == 2);
        history.Select(e => $"{(string)e!["type"]!} {(string?)e["data"]!["proof"]}".Trim()).ShouldBe([
            "device_discovered", "device_degraded", "device_returned PersonSaysFit", "device_degraded", "device_returned InService"]);
        ((string)history[2]!["actor"]!).ShouldBe("kubernetes-admin");
        using var again = await SendReturnAsync("gpu-a", "once more");
        (again.StatusCode, await ProblemAsync(again)).ShouldBe((HttpStatusCode.Conflict, "NotDegraded"));
        using var unknown = await SendReturnAsync("gpu-z", "x");
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using var silent = await SendReturnAsync("gpu-a", null);
        silent.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        async Task<JsonArray> HistoryAsync() => (await _platform.GetAsync("/api/v1/devices/gpu-a/history"))["items"]!.AsArray();
    }

    Task<HttpResponseMessage> SendReturnAsync(string device, string? reason) => _platform.Api.PostAsync(
        "/api/v1/devices/return", JsonContent.Create(new JsonObject { ["node"] = "node-1", ["device"] = device, ["reason"] = reason }), Ct);

    Task AnnotateAsync(string node, string device, string more) => _platform.Client.PatchAsync<Node>(
        node, null,
        Patch.Merge(new
        {
            metadata = new
            {
                annotations = new Dictionary<string, string>
                {
                    [ApiGroup.DevicesAnnotation] =
                        $$"""[{"id":"{{device}}","index":0,"name":"test device","memoryMiB":1024,"kind":"Software"{{more}}}]""",
                },
            },
        }), ct: Ct);

    [Fact]
    public async Task A_name_that_may_mean_two_devices_is_refused_with_both_names()
    {
        await NodeAsync("node-2", "gpu-b");
        await OperatorUnderTest.UntilAsync(DevicesAsync, d => d.Count == 2);
        using var answer = await SendReleaseAsync("gpu_lock:0", null);
        answer.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        var detail = (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["detail"]!;
        detail.ShouldContain("node-1/gpu-a#0, node-2/gpu-b#0");
        using var unknown = await SendReleaseAsync("gpu_lock:9", null);
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Leases_come_in_pages_newest_first()
    {
        foreach (var name in new[] { "a", "b", "c" })
            await _log.LeaseAsync("lease-" + name, new LeaseCommand.Request(
                new LeaseRequested("lease-" + name, "default", name, "elsewhere", "test", null, 0, 0, Given.Terms)));
        var first = await OperatorUnderTest.UntilAsync(
            () => _platform.GetAsync("/api/v1/leases?pool=elsewhere&limit=2"), p => p["items"]!.AsArray().Count == 2 && Name(p, 0) == "c");
        Name(first, 1).ShouldBe("b");
        var next = await _platform.GetAsync($"/api/v1/leases?pool=elsewhere&limit=2&continue={first["continue"]}");
        next["items"]!.AsArray().Count.ShouldBe(1);
        Name(next, 0).ShouldBe("a");
        next["continue"].ShouldBeNull();
        ((string)next["items"]![0]!["state"]!).ShouldBe("Pending");
        (await _platform.GetAsync("/api/v1/leases?namespace=other"))["items"]!.AsArray().ShouldBeEmpty();
        foreach (var bad in new[] { "limit=0", "limit=x", "continue=!", "state=Sleeping" })
        {
            using var answer = await _platform.Api.GetAsync("/api/v1/leases?" + bad);
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, bad);
            (await ProblemAsync(answer)).ShouldBe("Invalid");
        }
    }

    [Fact]
    public async Task A_device_s_history_says_who_had_it_at_a_moment()
    {
        var before = DateTimeOffset.UtcNow;
        var fence = await _log.RunAsync("gpu-a", "x");
        await OperatorUnderTest.UntilAsync(HealthAsync, h => h["lock_holder"] is not null);
        var during = (await HistoryAsync(null))["at"]!.GetValue<DateTimeOffset>();
        await ReleaseAsync("gpu-a", null);
        var after = await OperatorUnderTest.UntilAsync(() => HistoryAsync(null), h => State(h) == "Quarantined");
        ((long)after["holders"]![0]!["token"]!).ShouldBe(fence.Token);
        State(await HistoryAsync(during)).ShouldBe("Granted");
        (await HistoryAsync(before.AddDays(-1)))["holders"]!.AsArray().ShouldBeEmpty();
        using var unknown = await _platform.Api.GetAsync("/api/v1/devices/default/none/history");
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);

        Task<JsonNode> HistoryAsync(DateTimeOffset? at)
        {
            var query = at is null ? "" : "?at=" + Uri.EscapeDataString(at.Value.ToString("O", CultureInfo.InvariantCulture));
            return _platform.GetAsync("/api/v1/devices/default/gpu-a/history" + query);
        }

        static string? State(JsonNode history) => (string?)history["holders"]!.AsArray().FirstOrDefault()?["state"];
    }

    [Fact]
    public async Task Whoever_has_the_answer_already_gets_no_body_and_others_get_it_small()
    {
        using var first = await _platform.Api.GetAsync("/api/v1/devices");
        var tag = first.Headers.ETag.ShouldNotBeNull();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/devices");
        request.Headers.IfNoneMatch.Add(tag);
        using var second = await _platform.Api.SendAsync(request);
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await second.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        using var zipped = new HttpRequestMessage(HttpMethod.Get, "/api/v1/devices");
        zipped.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var third = await _platform.Api.SendAsync(zipped);
        third.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
    }

    [Fact]
    public async Task Every_route_of_the_document_exists_and_asks_for_a_token_and_the_document_is_the_one_on_record()
    {
        var document = await _platform.GetAsync("/openapi/v1.json");
        using var stranger = new HttpClient { BaseAddress = _platform.Api.BaseAddress };
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var method in operations!.AsObject().Select(o => o.Key))
            {
                var concrete = path.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
                using var request = new HttpRequestMessage(new HttpMethod(method), concrete);
                if (method == "post")
                    request.Content = JsonContent.Create(new JsonObject { ["lock_key"] = "gpu_lock:0" });
                using var answer = await stranger.SendAsync(request);
                answer.StatusCode.ShouldBe(HttpStatusCode.Unauthorized, $"{method} {path}");
                answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
            }
        }

        var file = Path.Combine(Repository.Root, "docs/api/openapi.json");
        var recorded = File.Exists(file) ? JsonNode.Parse(await File.ReadAllTextAsync(file)) : null;
        if (!JsonNode.DeepEquals(document, recorded))
        {
            var actual = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts")).FullName + "/openapi.json";
            await File.WriteAllTextAsync(actual, document.ToJsonString(Indented) + "\n");
            Assert.Fail("the API has changed: look at the difference, then cp artifacts/openapi.json docs/api/openapi.json");
        }
    }

    [Fact]
    public async Task A_token_that_the_cluster_does_not_know_is_refused_and_so_is_one_without_the_right()
    {
        (await StatusAsync("nonsense")).ShouldBe(HttpStatusCode.Unauthorized);
        var accounts = new ResourceRef("", "v1", "serviceaccounts", "ServiceAccount", Namespaced: true);
        await _platform.Client.CreateAsync(
            accounts, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "guest", ["namespace"] = "default" } }, null, Ct);
        var token = await _platform.Client.CreateSubresourceAsync(
            accounts, "guest", "default", "token",
            new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["spec"] = new JsonObject() }, Ct);
        (await StatusAsync((string)token["status"]!["token"]!)).ShouldBe(HttpStatusCode.Forbidden);

        async Task<HttpStatusCode> StatusAsync(string bearer)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/monitoring/release-lock")
            {
                Content = JsonContent.Create(new JsonObject { ["lock_key"] = "gpu_lock:0" }),
            };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
            using var answer = await _platform.Api.SendAsync(request);
            return answer.StatusCode;
        }
    }

    Task<JsonNode> HealthAsync() => _platform.GetAsync("/api/v1/monitoring/gpu-lock/health");

    async Task<JsonArray> DevicesAsync() => (await _platform.GetAsync("/api/v1/devices"))["items"]!.AsArray();

    async Task<JsonNode> ReleaseAsync(string key, string? reason)
    {
        using var answer = await SendReleaseAsync(key, reason);
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!;
    }

    Task<HttpResponseMessage> SendReleaseAsync(string key, string? reason) => _platform.Api.PostAsync(
        "/api/v1/monitoring/release-lock", JsonContent.Create(new JsonObject { ["lock_key"] = key, ["reason"] = reason }), Ct);

    Task NodeAsync(string name, string device) => _platform.Client.CreateAsync(new Node
    {
        Metadata = new ObjectMeta
        {
            Name = name,
            Annotations = new Dictionary<string, string>
            {
                [ApiGroup.DevicesAnnotation] =
                    $$"""[{"id":"{{device}}","index":0,"name":"test device","memoryMiB":1024,"kind":"Software"}]""",
            },
        },
    });

    static async Task<string> ProblemAsync(HttpResponseMessage answer)
    {
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["reason"]!;
    }

    static string Name(JsonNode page, int index) => (string)page["items"]![index]!["name"]!;

    static IEnumerable<string> Fields(JsonObject node, string prefix) => node.SelectMany(
        p => p.Value is JsonObject inner ? [prefix + p.Key, .. Fields(inner, $"{prefix}{p.Key}.")] : new[] { prefix + p.Key });
}
