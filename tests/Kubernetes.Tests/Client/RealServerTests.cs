// The client against a real API server: what a scripted one can not prove.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Leadership;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Framelease.Kubernetes.Watching;

namespace Framelease.Kubernetes.Tests.Client;

public sealed class RealServerTests : IAsyncLifetime
{
    readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));
    KubernetesClient _client = null!;
    string _ns = "";

    CancellationToken Ct => _stop.Token;

    public async Task InitializeAsync()
    {
        if (RealServer.KubeConfigPath is null)
            return;
        _client = RealServer.Connect();
        _ns = await RealServer.NamespaceAsync(_client);
    }

    public async Task DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DeleteAsync<Namespace>(_ns);
            _client.Dispose();
        }

        _stop.Dispose();
    }

    [RealServerFact]
    public async Task An_object_goes_through_create_get_replace_patch_and_delete()
    {
        var made = await _client.CreateAsync(Map("one", "a"), Ct);
        made.Metadata.Uid.ShouldNotBeNullOrEmpty();
        made.Metadata.CreationTimestamp.ShouldNotBeNull();

        var got = await _client.GetAsync<ConfigMap>("one", _ns, Ct);
        got.Data!["key"].ShouldBe("a");

        var replaced = await _client.ReplaceAsync(got with { Data = new Dictionary<string, string> { ["key"] = "b" } }, Ct);
        replaced.Data!["key"].ShouldBe("b");

        var stale = await Should.ThrowAsync<KubernetesException>(() => _client.ReplaceAsync(got, Ct));
        stale.IsConflict.ShouldBeTrue();

        var merged = await _client.PatchAsync<ConfigMap>("one", _ns, Patch.Merge(new { data = new { other = "c" } }), ct: Ct);
        merged.Data!.Count.ShouldBe(2);

        var refused = await Should.ThrowAsync<KubernetesException>(() =>
            _client.PatchAsync<ConfigMap>("one", _ns, Patch.Merge(new { data = new { other = "d" } }).IfVersion(got.Metadata.ResourceVersion), ct: Ct));
        refused.IsConflict.ShouldBeTrue();

        var json = Patch.Json(JsonPatchOperation.Test("/data/key", "b"), JsonPatchOperation.Remove("/data/other"));
        (await _client.PatchAsync<ConfigMap>("one", _ns, json.IfVersion(merged.Metadata.ResourceVersion), ct: Ct)).Data!.Count.ShouldBe(1);
        (await Should.ThrowAsync<KubernetesException>(() =>
            _client.PatchAsync<ConfigMap>("one", _ns, json.IfVersion(got.Metadata.ResourceVersion), ct: Ct))).Code.ShouldBeOneOf(409, 422);

        (await Should.ThrowAsync<KubernetesException>(() =>
            _client.DeleteAsync<ConfigMap>("one", _ns, DeleteOptions.ForUid("another"), Ct))).IsConflict.ShouldBeTrue();
        (await _client.DeleteAsync<ConfigMap>("one", _ns, DeleteOptions.ForUid(made.Metadata.Uid), Ct)).ShouldBeTrue();
        (await _client.DeleteAsync<ConfigMap>("one", _ns, ct: Ct)).ShouldBeFalse();
        (await _client.FindAsync<ConfigMap>("one", _ns, Ct)).ShouldBeNull();
        (await Should.ThrowAsync<KubernetesException>(() => _client.GetAsync<ConfigMap>("one", _ns, Ct))).IsNotFound.ShouldBeTrue();
    }

    [RealServerFact]
    public async Task A_list_comes_in_pages_and_a_watch_goes_on_where_it_ended()
    {
        for (var i = 0; i < 7; i++)
            await _client.CreateAsync(Map($"m{i}", "x"), Ct);
        var first = await _client.ListAsync<ConfigMap>(_ns, new() { Limit = 3 }, Ct);
        first.Items.Count.ShouldBe(3);
        first.Continue.ShouldNotBeNull();
        var all = await _client.ListAllAsync<ConfigMap>(_ns, pageSize: 2, ct: Ct);
        all.Items.Select(m => m.Metadata.Name).ShouldBe(Enumerable.Range(0, 7).Select(i => $"m{i}"), ignoreOrder: true);

        await using var watch = _client.WatchAsync<ConfigMap>(_ns, new() { ResourceVersion = all.ResourceVersion }, Ct).GetAsyncEnumerator(Ct);
        await _client.PatchAsync<ConfigMap>("m3", _ns, Patch.Merge(new { data = new { key = "y" } }), ct: Ct);
        await _client.DeleteAsync<ConfigMap>("m4", _ns, ct: Ct);
        await NextAsync(watch, WatchEventType.Modified, "m3");
        await NextAsync(watch, WatchEventType.Deleted, "m4");
    }

    [RealServerFact]
    public async Task Server_side_apply_keeps_two_managers_apart()
    {
        ConfigMap Wish(string key, string value) => new()
        {
            Metadata = new() { Name = "shared", Namespace = _ns }, Data = new Dictionary<string, string> { [key] = value },
        };
        await _client.ServerSideApplyAsync(Wish("a", "1"), "one", ct: Ct);
        var both = await _client.ServerSideApplyAsync(Wish("b", "1"), "two", ct: Ct);
        both.Data!.Count.ShouldBe(2);

        var refused = await Should.ThrowAsync<KubernetesException>(() => _client.ServerSideApplyAsync(Wish("a", "2"), "two", ct: Ct));
        refused.IsConflict.ShouldBeTrue();
        refused.Causes.Single().ShouldSatisfyAllConditions(c => c.Field.ShouldBe(".data.a"), c => c.Message!.ShouldContain("\"one\""));

        var forced = await _client.ServerSideApplyAsync(Wish("a", "2"), "two", force: true, ct: Ct);
        forced.Data!.ShouldBe(new Dictionary<string, string> { ["a"] = "2" }, "b was no longer part of the wish");
    }

    [RealServerFact]
    public async Task A_collection_is_deleted_by_label()
    {
        for (var i = 0; i < 4; i++)
            await _client.CreateAsync(Map($"m{i}", "x") with
            {
                Metadata = new() { Name = $"m{i}", Namespace = _ns, Labels = new Dictionary<string, string> { ["odd"] = $"{i % 2}" } },
            }, Ct);
        await _client.DeleteCollectionAsync<ConfigMap>(_ns, new() { LabelSelector = "odd=1" }, ct: Ct);
        (await _client.ListAsync<ConfigMap>(_ns, ct: Ct)).Items.Select(m => m.Metadata.Name).ShouldBe(["m0", "m2"], ignoreOrder: true);
    }

    [RealServerFact]
    public async Task A_strategic_patch_merges_lists_by_their_key()
    {
        Container[] both = [new() { Name = "a", Image = "one" }, new() { Name = "b", Image = "one" }];
        await _client.CreateAsync(new Pod { Metadata = new() { Name = "p", Namespace = _ns }, Spec = new() { Containers = both } }, Ct);
        var patch = Patch.Strategic(new { spec = new { containers = new[] { new { name = "b", image = "two" } } } });
        var patched = await _client.PatchAsync<Pod>("p", _ns, patch, ct: Ct);
        patched.Spec!.Containers!.Select(c => $"{c.Name}:{c.Image}").ShouldBe(["a:one", "b:two"], ignoreOrder: true);
    }

    [RealServerFact]
    public async Task A_lead_is_taken_given_back_and_taken_by_another()
    {
        foreach (var name in new[] { "a", "b" })
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var options = new LeaderElectionOptions { Name = "e", Namespace = _ns, Identity = name };
            var elector = new LeaderElector(_client, options, new Epochs(), TimeProvider.System, new Random(4));
            await elector.RunAsync((_, _) => stop.CancelAsync(), stop.Token);
            var spec = (await _client.GetAsync<Lease>("e", _ns, Ct)).Spec!;
            (spec.HolderIdentity, spec.LeaseTransitions).ShouldBe(("", name == "a" ? 0 : 1));
        }
    }

    sealed class Epochs : IEpochAuthority
    {
        public Task<long?> TakeAsync(string identity, CancellationToken ct) => Task.FromResult<long?>(1);
    }

    [RealServerFact]
    public async Task Apply_creates_then_leaves_alone_then_configures()
    {
        JsonObject Manifest(string value) => new()
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "applied", ["namespace"] = _ns },
            ["data"] = new JsonObject { ["key"] = value },
        };
        (await _client.ApplyAsync(Manifest("a"), Ct)).Outcome.ShouldBe(ApplyOutcome.Created);
        (await _client.ApplyAsync(Manifest("a"), Ct)).Outcome.ShouldBe(ApplyOutcome.Unchanged);
        (await _client.ApplyAsync(Manifest("b"), Ct)).Outcome.ShouldBe(ApplyOutcome.Configured);

        var unknown = Manifest("a");
        unknown["kind"] = "ConfigMop";
        var error = await Should.ThrowAsync<KubernetesException>(() => _client.ApplyAsync(unknown, Ct));
        error.Message.ShouldContain("no kind \"ConfigMop\" in v1");
    }

    [RealServerFact]
    public async Task A_refusal_carries_the_servers_reason_and_fields()
    {
        var error = await Should.ThrowAsync<KubernetesException>(() => _client.CreateAsync(Map("Not_A_Name", "x"), Ct));
        error.Reason.ShouldBe(KubernetesReasons.Invalid);
        error.Causes.ShouldContain(c => c.Field == "metadata.name");
        error.IsTransient.ShouldBeFalse();
    }

    [RealServerFact]
    public async Task A_missing_resource_type_is_an_error_and_not_an_absent_object()
    {
        var gone = new ResourceRef("nobody.example", "v1", "things", "Thing", true);
        var error = await Should.ThrowAsync<KubernetesException>(() => _client.FindAsync(gone, "x", _ns, Ct));
        error.Code.ShouldBe(404);
    }

    [RealServerFact]
    public async Task A_store_follows_the_server_and_an_event_is_accepted_by_it()
    {
        var time = TimeProvider.System;
        var stores = new StoreSet(_client, time, new Random(2));
        var store = stores.Get<ConfigMap>(new(_ns));
        var recorder = new EventRecorder(_client, new() { Controller = "tests.example/store", Instance = "one" }, time, Guid.NewGuid);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var running = Task.WhenAll(stores.RunAsync(stop.Token), recorder.RunAsync(stop.Token));
        for (var i = 0; i < 5; i++)
            await _client.CreateAsync(Map($"s{i}", "x"), Ct);
        var changed = await _client.PatchAsync<ConfigMap>("s1", _ns, Patch.Merge(new { data = new { key = "y" } }), ct: Ct);
        await _client.DeleteAsync<ConfigMap>("s2", _ns, ct: Ct);
        recorder.Warning(changed, "Changed", "Patch", "first");
        recorder.Warning(changed, "Changed", "Patch", "first");
        await Eventually.True(() => store.Count == 4 && store.Find(new(_ns, "s1"))?.Data!["key"] == "y", "the store equals the server");
        await stop.CancelAsync();
        await running;
        var events = await _client.ListAsync<Event>(_ns, ct: Ct);
        events.Items.Single(e => e.Reason == "Changed").ShouldSatisfyAllConditions(
            e => e.Series!.Count.ShouldBe(2), e => e.Regarding!.Uid.ShouldBe(changed.Metadata.Uid));
    }

    [RealServerFact]
    public async Task A_finalizer_holds_an_object_until_it_is_removed()
    {
        var made = await _client.CreateAsync(Map("held", "x"), Ct);
        made = await _client.AddFinalizerAsync(made, "tests.example/hold", Ct);
        await _client.DeleteAsync<ConfigMap>("held", _ns, ct: Ct);
        var held = await _client.GetAsync<ConfigMap>("held", _ns, Ct);
        held.IsBeingDeleted().ShouldBeTrue();
        await Should.ThrowAsync<KubernetesException>(() => _client.RemoveFinalizerAsync(made, "tests.example/hold", Ct));
        await _client.RemoveFinalizerAsync(held, "tests.example/hold", Ct);
        (await _client.FindAsync<ConfigMap>("held", _ns, Ct)).ShouldBeNull();
    }

    static async Task NextAsync(IAsyncEnumerator<WatchEvent<ConfigMap>> watch, WatchEventType type, string name)
    {
        do
            (await watch.MoveNextAsync()).ShouldBeTrue();
        while (watch.Current.Type == WatchEventType.Bookmark);
        watch.Current.Type.ShouldBe(type);
        watch.Current.Object!.Metadata.Name.ShouldBe(name);
    }

    ConfigMap Map(string name, string value) => new()
    {
        Metadata = new() { Name = name, Namespace = _ns },
        Data = new Dictionary<string, string> { ["key"] = value },
    };
}
