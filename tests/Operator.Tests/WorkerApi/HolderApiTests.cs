using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Tests.Support;
using Framelease.Resources;
using Framelease.WorkerProtocol;
using Npgsql;

namespace Framelease.Operator.Tests.WorkerApi;

/// <summary>A bare GpuLease over HTTP, on the whole operator: attach, beat, release, and who is refused.</summary>
[Collection(PostgresServer.Collection)]
public sealed class HolderApiTests(PostgresServer server) : IAsyncLifetime
{
    const string BootId = "11111111-2222-3333-4444-555555555555";

    OperatorUnderTest _platform = null!;

    public async Task InitializeAsync()
    {
        _platform = await OperatorUnderTest.StartAsync(server);
        await _platform.Client.CreateAsync(new Tenant { Metadata = new() { Name = "all" }, Spec = new() { Namespaces = ["default"] } });
        await _platform.Client.CreateAsync(new Node
        {
            Metadata = new ObjectMeta
            {
                Name = "node-1",
                Annotations = new Dictionary<string, string>
                {
                    [ApiGroup.DevicesAnnotation] = """[{"id":"GPU-a","index":3,"name":"Card","memoryMiB":1000,"kind":"Gpu"}]""",
                },
            },
        });
        await _platform.Client.PatchAsync<Node>(
            "node-1", null, Patch.Merge(new { status = new { nodeInfo = new { bootID = BootId } } }), "status");
        await _platform.Client.CreateAsync(new GpuPool { Metadata = new() { Name = "default" } });
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task A_lease_without_a_task_is_attached_beaten_for_and_released()
    {
        var uid = await GrantedAsync("mine");
        var held = (await AttachAsync(uid)).Content;
        var lease = (await held.ReadFromJsonAsync(ProtocolJson.Default.HeldLease))!;
        (lease.LeaseUid, lease.Token, lease.Node, lease.Device.Id, lease.Device.Index).ShouldBe((uid, 1, "node-1", "GPU-a", 3));
        (await BeatAsync(lease.Credential, 1)).Command.ShouldBe(WorkerCommand.Continue);
        var shown = await StateAsync("mine", l => l.Status?.AttachedTime is not null);
        shown.Status!.Conditions!.Single(c => c.Type == "Attached").Message.ShouldBe("holder holder-0001 on node-1");
        var heartbeats = await _platform.GetAsync("/api/v1/monitoring/heartbeat/all");
        ((string)heartbeats["active_tasks"]![uid]!["status"]!).ShouldBe("running");

        var again = (await (await AttachAsync(uid)).Content.ReadFromJsonAsync(ProtocolJson.Default.HeldLease))!;
        again.Token.ShouldBe(lease.Token);
        (await ProblemAsync(await AttachAsync(uid, holder: "holder-0002"), HttpStatusCode.Conflict)).ShouldBe("StaleHolder");

        (await PostAsync("release", new JsonObject { ["reason"] = "exit code 0" }, lease.Credential)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await PostAsync("release", new JsonObject { ["reason"] = "exit code 0" }, lease.Credential)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await StateAsync("mine", l => l.Status?.State == "Released")).Status!.Message.ShouldBe("exit code 0");
        (await ProblemAsync(await PostAsync("beat", new JsonObject { ["sequence"] = 9 }, lease.Credential), HttpStatusCode.Conflict)).ShouldBe("StaleHolder");
    }

    [Fact]
    public async Task After_a_change_of_authority_a_holder_of_before_says_itself_that_it_has_ended()
    {
        var uid = await GrantedAsync("before");
        var lease = (await (await AttachAsync(uid)).Content.ReadFromJsonAsync(ProtocolJson.Default.HeldLease))!;
        await _platform.Client.DeleteAsync<GpuLease>("before", "default");
        await StateAsync("before", l => l.Status?.State == "Quarantined");
        (await ProblemAsync(await PostAsync("release", [], lease.Credential), HttpStatusCode.Conflict)).ShouldBe("StaleHolder");
        await using var data = NpgsqlDataSource.Create(_platform.Postgres);
        await using var known = data.CreateCommand(
            """
            insert into framelease.authority_holders (lease_uid, lease_name, node, device, slot, token, incarnation)
              select lease_uid, 'default/before', node, device, slot, token, 2 from framelease.slots
            """);
        await known.ExecuteNonQueryAsync();
        (await PostAsync("release", new JsonObject { ["reason"] = "killed" }, lease.Credential)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await using var word = data.CreateCommand("select ended from framelease.authority_holders");
        (await word.ExecuteScalarAsync()).ShouldBe("holder holder-0001 said itself that it has ended: killed");
    }

    [Fact]
    public async Task What_a_holder_tells_of_its_device_is_in_the_list_of_devices_and_in_the_metrics()
    {
        var lease = (await (await AttachAsync(await GrantedAsync("warm"))).Content.ReadFromJsonAsync(ProtocolJson.Default.HeldLease))!;
        var body = new JsonObject
        {
            ["sequence"] = 1,
            ["device"] = new JsonObject { ["utilisationPercent"] = 88, ["memoryUsedMiB"] = 2048, ["memoryTotalMiB"] = 24576, ["temperatureCelsius"] = 999 },
        };
        (await PostAsync("beat", body, lease.Credential)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var now = (await _platform.GetAsync("/api/v1/devices"))["items"]![0]!["now"]!;
        ((int)now["utilisationPercent"]!, (long)now["memoryUsedMiB"]!, now["temperatureCelsius"]).ShouldBe((88, 2048L, null));
        using var http = new HttpClient { BaseAddress = _platform.MetricsUrl };
        var metrics = await http.GetStringAsync("/metrics");
        metrics.ShouldContain("framelease_device_utilization_ratio{pool=\"default\",node=\"node-1\",device=\"GPU-a\"} 0.88");
        metrics.ShouldContain("framelease_device_memory_used_bytes{pool=\"default\",node=\"node-1\",device=\"GPU-a\"} 2147483648");
        metrics.ShouldNotContain("framelease_device_temperature_celsius{");
    }

    [Fact]
    public async Task Who_waits_for_a_lease_hears_of_its_grant_at_once_and_of_its_end()
    {
        var lease = (await (await AttachAsync(await GrantedAsync("first"))).Content.ReadFromJsonAsync(ProtocolJson.Default.HeldLease))!;
        var second = await RequestedAsync("second");
        (await WaitAsync(second, seconds: 0)).ShouldBe(new HolderWaitReply("Pending"));

        // For a minute, unless the grant ends it: nobody asks again.
        var waiting = WaitAsync(second, seconds: 60);
        (await PostAsync("release", new JsonObject { ["reason"] = "done" }, lease.Credential)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await waiting).ShouldBe(new HolderWaitReply("Granted", "node-1", "GPU-a", 0, 2));
        (await WaitAsync(second, seconds: 60)).Token.ShouldBe(2);

        // Whoever attaches shows in the object from then on, whether or not the reconciler was as fast: it is all that a lost log leaves (R12).
        (await AttachAsync(second)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var shown = (await _platform.Client.GetAsync<GpuLease>("second", "default")).Status!;
        (shown.Node, shown.Device, shown.Slot, shown.Token).ShouldBe(("node-1", "GPU-a", 0, 2L));

        // What is not on record yet is waited for too; and what is deleted waits no more.
        var third = await RequestedAsync("third");
        var ending = WaitAsync(third, seconds: 60);
        await _platform.Client.DeleteAsync<GpuLease>("third", "default");
        (await ending).State.ShouldBe("GaveUp");
    }

    [Fact]
    public async Task Waiting_is_bounded_and_only_for_those_who_may_attach()
    {
        var uid = await GrantedAsync("held");
        JsonObject Body(string ns, string lease, int seconds) => new() { ["namespace"] = ns, ["leaseUid"] = lease, ["seconds"] = seconds };
        var token = _platform.Api.DefaultRequestHeaders.Authorization!.Parameter!;
        (await ProblemAsync(await PostAsync("wait", Body("default", uid, 61), token), HttpStatusCode.BadRequest)).ShouldBe("Invalid");
        (await ProblemAsync(await PostAsync("wait", Body("default", "", 1), token), HttpStatusCode.BadRequest)).ShouldBe("Invalid");
        (await ProblemAsync(await PostAsync("wait", Body("elsewhere", uid, 1), token), HttpStatusCode.NotFound)).ShouldBe("NotFound");
        (await ProblemAsync(await PostAsync("wait", Body("default", uid, 1), "rubbish"), HttpStatusCode.Unauthorized)).ShouldBe("Unauthorized");

        var absent = Enumerable.Range(0, 5).Select(_ => PostAsync("wait", Body("default", "no-such-lease", 2), token)).ToList();
        var refused = (await Task.WhenAll(absent)).Single(a => a.StatusCode is not HttpStatusCode.OK);
        refused.Headers.ConnectionClose.ShouldBe(true);
        (await ProblemAsync(refused, HttpStatusCode.Conflict)).ShouldBe("TooManyWaiting");
    }

    [Fact]
    public async Task A_worker_of_a_protocol_that_is_not_served_hears_which_is()
    {
        var uid = await GrantedAsync("new");
        var refused = await AttachAsync(uid, protocol: "1.99");
        (await refused.Content.ReadAsStringAsync())
            .ShouldContain("the worker speaks 1.99, this operator 1.0 to 1.2; upgrade the operator first");
        (await ProblemAsync(refused, HttpStatusCode.UpgradeRequired)).ShouldBe("ProtocolNotSupported");
    }

    [Fact]
    public async Task A_program_on_another_machine_than_the_device_is_refused()
    {
        var uid = await GrantedAsync("far");
        var refused = await AttachAsync(uid, bootId: "99999999-2222-3333-4444-555555555555");
        (await refused.Content.ReadAsStringAsync()).ShouldContain("device is on node node-1 (boot id");
        (await ProblemAsync(refused, HttpStatusCode.Conflict)).ShouldBe("OtherMachine");
    }

    [Fact]
    public async Task Who_may_not_attach_and_what_is_not_there_is_refused_with_its_reason()
    {
        (await ProblemAsync(await AttachAsync("no-such-uid"), HttpStatusCode.NotFound)).ShouldBe("NotFound");
        (await ProblemAsync(await AttachAsync("x", holder: "a b"), HttpStatusCode.BadRequest)).ShouldBe("Invalid");
        (await ProblemAsync(await AttachAsync("x", token: "rubbish"), HttpStatusCode.Unauthorized)).ShouldBe("Unauthorized");
        await _platform.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = "nobody", Namespace = "default" } });
        var token = (await _platform.Client.CreateTokenAsync("nobody", "default", [])).Token!;
        (await ProblemAsync(await AttachAsync("x", token: token), HttpStatusCode.Forbidden)).ShouldBe("Forbidden");
        (await ProblemAsync(await PostAsync("beat", new JsonObject { ["sequence"] = 1 }, "flh1.a.b"), HttpStatusCode.Unauthorized)).ShouldBe("Unauthorized");
    }

    async Task<string> RequestedAsync(string name)
    {
        await _platform.Client.CreateAsync(new GpuLease { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Pool = "default" } });
        return (await StateAsync(name, l => l.Status?.State == "Pending")).Metadata.Uid!;
    }

    async Task<HolderWaitReply> WaitAsync(string uid, int seconds)
    {
        var body = new JsonObject { ["namespace"] = "default", ["leaseUid"] = uid, ["seconds"] = seconds };
        var answer = await PostAsync("wait", body, _platform.Api.DefaultRequestHeaders.Authorization!.Parameter!);
        return (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.HolderWaitReply))!;
    }

    async Task<string> GrantedAsync(string name)
    {
        await _platform.Client.CreateAsync(new GpuLease { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Pool = "default" } });
        return (await StateAsync(name, l => l.Status?.State == "Granted")).Metadata.Uid!;
    }

    Task<GpuLease> StateAsync(string name, Func<GpuLease, bool> met) =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.GetAsync<GpuLease>(name, "default"), met);

    Task<HttpResponseMessage> AttachAsync(string uid, string holder = "holder-0001", string bootId = BootId, string? token = null, string? protocol = null) => PostAsync(
        "attach",
        new JsonObject
        {
            ["workerVersion"] = "0.1.0", ["namespace"] = "default", ["leaseUid"] = uid, ["holder"] = holder, ["bootId"] = bootId, ["host"] = "here",
            ["protocol"] = protocol,
            ["fieldOfTheFuture"] = 1,
        },
        token ?? _platform.Api.DefaultRequestHeaders.Authorization!.Parameter!);

    async Task<BeatReply> BeatAsync(string credential, long sequence) =>
        (await (await PostAsync("beat", new JsonObject { ["sequence"] = sequence }, credential)).Content.ReadFromJsonAsync(ProtocolJson.Default.BeatReply))!;

    async Task<HttpResponseMessage> PostAsync(string call, JsonObject body, string bearer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/worker/v1/leases/{call}") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        return await _platform.Api.SendAsync(request);
    }

    static async Task<string?> ProblemAsync(HttpResponseMessage answer, HttpStatusCode status)
    {
        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.ShouldBe(status, text);
        return (string?)JsonNode.Parse(text)!["reason"];
    }
}
