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

/// <summary>A node's agent over HTTP, on the whole operator: what it is told, what it may prove, and who is refused.</summary>
[Collection(PostgresServer.Collection)]
public sealed class NodeApiTests(PostgresServer server) : IAsyncLifetime
{
    const string BootId = "11111111-2222-3333-4444-555555555555", System = "framelease-system", Agent = "framelease-node";

    static readonly JsonObject Process = new() { ["pid"] = 10, ["startTicks"] = 1000, ["pidNamespace"] = 4026531836, ["userId"] = 0 };

    OperatorUnderTest _platform = null!;
    string _agent = "";

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
        await _platform.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = Agent, Namespace = System } });
        _agent = await TokenAsync("agent-1", "node-1");
    }

    public async Task DisposeAsync() => await _platform.DisposeAsync();

    [Fact]
    public async Task The_proof_of_a_nodes_agent_frees_the_slot_of_a_lost_holder()
    {
        var before = await QuarantineAsync(_agent);
        (await ListAsync(before)).ShouldBeEmpty();
        var waits = QuarantineAsync(_agent, "?wait=60", before.Headers.ETag);

        var uid = await LostAsync("lost", Process.DeepClone());
        var slot = (await ListAsync(await waits)).Single();
        slot.ShouldBe(new QuarantinedSlot(
            "GPU-a", "Gpu", 0, 1, uid, "Revoked", Process: new HolderIdentity(10, 1000, 4026531836, 0), BootId: BootId));

        (await ProveAsync(uid, token: 2)).Reason.ShouldBe("StaleToken");
        (await ProveAsync("another-lease")).Reason.ShouldBe("NotQuarantined");
        (await ProveAsync(uid)).Freed.ShouldBeTrue();
        (await ProveAsync(uid)).Freed.ShouldBeTrue("the answer may have got lost");
        (await ListAsync(await QuarantineAsync(_agent))).ShouldBeEmpty();
        var history = await _platform.GetAsync($"/api/v1/leases/{uid}/history");
        var freed = history["items"]!.AsArray().Last()!;
        ((string)freed["actor"]!).ShouldBe("agent framelease-system/agent-1");
        ((string)freed["data"]!["proof"]!, (string)freed["data"]!["evidence"]!)
            .ShouldBe(("NodeAgent", "agent framelease-system/agent-1: looked twice"));

        (await ProveAsync(await GrantedAsync("next"))).Reason.ShouldBe("NotQuarantined");
    }

    [Fact]
    public async Task Slots_whose_holder_no_agent_can_look_for_are_not_told_and_not_freed()
    {
        var uid = await LostAsync("silent", null);
        (await ListAsync(await QuarantineAsync(_agent))).ShouldBeEmpty();
        var refused = await ProveAsync(uid);
        (refused.Reason, refused.Message).ShouldBe(("NotProven", "its holder did not tell which process it is"));
    }

    [Fact]
    public async Task After_a_change_of_authority_an_agents_word_frees_a_slot_that_nobody_else_may_have()
    {
        var uid = await LostAsync("restored", Process.DeepClone());
        await using var data = NpgsqlDataSource.Create(_platform.Postgres);
        await using var change = data.CreateCommand(
            """
            update framelease.slots set reason = 'AuthorityChanged';
            insert into framelease.authority_holders (lease_uid, lease_name, node, device, slot, token, incarnation)
              select 'another-lease', 'default/another', node, device, slot, 7, 2 from framelease.slots
            """);
        await change.ExecuteNonQueryAsync();
        (await ListAsync(await QuarantineAsync(_agent))).ShouldHaveSingleItem();
        (await ProveAsync(uid)).Freed.ShouldBeTrue("its own holder is gone");
        await using var state = data.CreateCommand("select state || ' ' || reason from framelease.slots");
        (await state.ExecuteScalarAsync()).ShouldBe("Quarantined AuthorityChanged", "another may have it");
    }

    [Fact]
    public async Task Only_an_agent_that_runs_on_the_node_speaks_for_it()
    {
        (await ProblemAsync(await QuarantineAsync("rubbish"), HttpStatusCode.Unauthorized)).ShouldBe("Unauthorized");
        var admin = _platform.Api.DefaultRequestHeaders.Authorization!.Parameter!;
        (await ProblemAsync(await QuarantineAsync(admin), HttpStatusCode.Forbidden)).ShouldBe("Forbidden");
        var unbound = (await _platform.Client.CreateTokenAsync(Agent, System, [ApiGroup.NodeAudience])).Token!;
        (await ProblemAsync(await QuarantineAsync(unbound), HttpStatusCode.Forbidden)).ShouldBe("Forbidden");
        var elsewhere = await TokenAsync("agent-2", "node-2");
        var refused = await QuarantineAsync(elsewhere);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("agent-2 is on node node-2, not on node-1");
        (await ProblemAsync(refused, HttpStatusCode.Forbidden)).ShouldBe("OtherNode");
        await _platform.Client.CreateAsync(new ServiceAccount { Metadata = new() { Name = "nobody", Namespace = System } });
        var nobody = await TokenAsync("nobodys", "node-1", "nobody");
        (await ProblemAsync(await QuarantineAsync(nobody), HttpStatusCode.Forbidden)).ShouldBe("Forbidden");
    }

    [Theory]
    [InlineData("""{"agentVersion":"1"}""", "proofs: 1 to 64")]
    [InlineData("""{"proofs":[null]}""", "proofs[0]: is null")]
    [InlineData("""{"proofs":[{"device":"a","slot":0,"token":0,"leaseUid":"u","evidence":"e"}]}""", "token 1 or more")]
    [InlineData("""{"proofs":[{"device":"a","slot":0,"token":1,"leaseUid":"u","evidence":"a\nb"}]}""", "one line")]
    public async Task What_is_out_of_bounds_is_refused_and_says_what_is_allowed(string body, string said)
    {
        var answer = await SendAsync(HttpMethod.Post, "proofs", _agent, JsonNode.Parse(body));
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        ((string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["detail"]!).ShouldContain(said);
        (await ProblemAsync(await QuarantineAsync(_agent, "?wait=61"), HttpStatusCode.BadRequest)).ShouldBe("Invalid");
    }

    // A lease that was attached to, and then taken away.
    async Task<string> LostAsync(string name, JsonNode? process)
    {
        var uid = await GrantedAsync(name);
        var attach = new JsonObject
        {
            ["workerVersion"] = "0.1.0", ["namespace"] = "default", ["leaseUid"] = uid, ["holder"] = "holder-0001", ["bootId"] = BootId,
            ["protocol"] = "1.2", ["process"] = process,
        };
        (await _platform.Api.PostAsync("/worker/v1/leases/attach", JsonContent.Create(attach))).StatusCode.ShouldBe(HttpStatusCode.OK);
        await _platform.Client.DeleteAsync<GpuLease>(name, "default");
        await StateAsync(name, l => l.Status?.State == "Quarantined");
        return uid;
    }

    async Task<string> GrantedAsync(string name)
    {
        await _platform.Client.CreateAsync(
            new GpuLease { Metadata = new() { Name = name, Namespace = "default" }, Spec = new() { Pool = "default" } });
        return (await StateAsync(name, l => l.Status?.State == "Granted")).Metadata.Uid!;
    }

    Task<GpuLease> StateAsync(string name, Func<GpuLease, bool> met) =>
        OperatorUnderTest.UntilAsync(() => _platform.Client.GetAsync<GpuLease>(name, "default"), met);

    async Task<string> TokenAsync(string pod, string node, string account = Agent)
    {
        var made = await _platform.Client.CreateAsync(new Pod
        {
            Metadata = new() { Name = pod, Namespace = System },
            Spec = new() { NodeName = node, ServiceAccountName = account, Containers = [new() { Name = "agent", Image = "agent" }] },
        });
        var bound = (pod, made.Metadata.Uid!);
        return (await _platform.Client.CreateTokenAsync(account, System, [ApiGroup.NodeAudience], boundPod: bound)).Token!;
    }

    Task<HttpResponseMessage> QuarantineAsync(string bearer, string query = "", EntityTagHeaderValue? known = null) =>
        SendAsync(HttpMethod.Get, "quarantine" + query, bearer, null, known);

    static async Task<IReadOnlyList<QuarantinedSlot>> ListAsync(HttpResponseMessage answer)
    {
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.NodeQuarantine))!.Slots;
    }

    async Task<ProofOutcome> ProveAsync(string lease, long token = 1)
    {
        var proof = new JsonObject
        {
            ["device"] = "GPU-a", ["slot"] = 0, ["token"] = token, ["leaseUid"] = lease, ["evidence"] = "looked twice",
        };
        var body = new JsonObject { ["agentVersion"] = "0.1.0", ["proofs"] = new JsonArray(proof) };
        var answer = await SendAsync(HttpMethod.Post, "proofs", _agent, body);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.ProofsReply))!.Outcomes.Single();
    }

    async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string call, string bearer, JsonNode? body, EntityTagHeaderValue? known = null)
    {
        using var request = new HttpRequestMessage(method, $"/worker/v1/nodes/node-1/{call}");
        if (body is not null)
            request.Content = JsonContent.Create(body);
        if (known is not null)
            request.Headers.IfNoneMatch.Add(known);
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
