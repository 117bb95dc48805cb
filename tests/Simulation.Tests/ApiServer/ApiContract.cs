using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>
/// What every API server does, written once through the client's port: run on the embedded server, on an upstream one where there is one,
/// and on the one in memory that stands in for them in the simulation. A rule that the simulation relies on belongs here.
/// </summary>
public abstract class ApiContract : IAsyncLifetime
{
    private protected const string Wait = "example.com/wait";

    private protected static readonly CancellationToken Ct = CancellationToken.None;

    private protected IKubernetesClient Client { get; private set; } = null!;

    private protected string Ns { get; private set; } = "";

    /// <summary>A client of the server, and a namespace of this test's own.</summary>
    private protected abstract Task<(IKubernetesClient Client, string Namespace)> OpenAsync();

    public async Task InitializeAsync() => (Client, Ns) = await OpenAsync();

    public virtual Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_new_object_gets_uid_version_generation_and_time_and_its_name_is_taken()
    {
        var lease = await Client.CreateAsync(Lease("a") with { Status = new GpuLeaseStatus { State = "Wrong" } });
        lease.Metadata.Uid.ShouldNotBeNullOrEmpty();
        lease.Metadata.ResourceVersion.ShouldNotBeNullOrEmpty();
        lease.Metadata.CreationTimestamp.ShouldNotBeNull();
        lease.Metadata.Generation.ShouldBe(1);
        lease.Status.ShouldBeNull();
        (await Client.GetAsync<GpuLease>("a", Ns)).Metadata.Uid.ShouldBe(lease.Metadata.Uid);
        (await Should.ThrowAsync<KubernetesException>(() => Client.CreateAsync(Lease("a")))).IsAlreadyExists.ShouldBeTrue();
        (await Client.FindAsync<GpuLease>("b", Ns)).ShouldBeNull();
    }

    [Fact]
    public async Task The_spec_counts_in_the_generation_and_labels_do_not()
    {
        await Client.CreateAsync(Lease("a"));
        var labelled = await MergeAsync("a", """{"metadata":{"labels":{"x":"y"}}}""");
        labelled.Metadata.Generation.ShouldBe(1);
        labelled.Metadata.Labels!["x"].ShouldBe("y");
        (await Client.CreateAsync(new Tenant { Metadata = new() { Name = $"t-{Ns}" }, Spec = new() { Namespaces = ["a"] } })).Metadata
            .Generation.ShouldBe(1);
        var patch = Patch.Merge(JsonNode.Parse("""{"spec":{"weight":2}}""")!);
        (await Client.PatchAsync<Tenant>($"t-{Ns}", null, patch)).Metadata.Generation.ShouldBe(2);
        await Client.DeleteAsync<Tenant>($"t-{Ns}");
    }

    [Fact]
    public async Task Status_is_written_by_its_subresource_only_and_by_nothing_else_there()
    {
        var lease = await Client.CreateAsync(Lease("a"));
        (await MergeAsync("a", """{"status":{"state":"Granted"}}""")).Status.ShouldBeNull();
        var granted = lease with { Status = new GpuLeaseStatus { State = "Granted", Token = 7 } };
        var shown = await Client.PatchStatusAsync(lease, granted, ct: Ct);
        shown.Status!.State.ShouldBe("Granted");
        shown.Metadata.Generation.ShouldBe(1);
        var wish = shown with { Spec = shown.Spec with { Pool = "other" }, Status = shown.Status with { State = null, Token = 8 } };
        var next = await Client.PatchStatusAsync(shown, wish, ct: Ct);
        (next.Status!.State, next.Status.Token, next.Spec.Pool).ShouldBe((null, 8, "default"));
        var again = await Client.PatchAsync<GpuLease>("a", Ns, Patch.Merge(JsonNode.Parse("""{"status":{"token":8}}""")!), "status");
        again.Metadata.ResourceVersion.ShouldBe(next.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task Who_knows_an_older_version_or_another_uid_is_refused()
    {
        var old = await Client.CreateAsync(Lease("a"));
        await MergeAsync("a", """{"metadata":{"labels":{"x":"y"}}}""");
        (await Should.ThrowAsync<KubernetesException>(() => Client.AddFinalizerAsync(old, Wait, Ct))).IsConflict.ShouldBeTrue();
        var stale = old with { Status = new GpuLeaseStatus { State = "Granted" } };
        (await Should.ThrowAsync<KubernetesException>(() => Client.PatchStatusAsync(old, stale, ifUnchanged: true, Ct)))
            .IsConflict.ShouldBeTrue();
        var other = DeleteOptions.ForUid("00000000-0000-0000-0000-000000000000");
        (await Should.ThrowAsync<KubernetesException>(() => Client.DeleteAsync<GpuLease>("a", Ns, other, Ct))).IsConflict.ShouldBeTrue();
        (await Client.DeleteAsync<GpuLease>("a", Ns, DeleteOptions.ForUid(old.Metadata.Uid), Ct)).ShouldBeTrue();
        (await Client.DeleteAsync<GpuLease>("a", Ns, DeleteOptions.ForUid(old.Metadata.Uid), Ct)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_finalizer_holds_a_deletion_and_the_last_one_lets_it_go()
    {
        var lease = await Client.AddFinalizerAsync(await Client.CreateAsync(Lease("a")), Wait, Ct);
        (await Client.DeleteAsync<GpuLease>("a", Ns)).ShouldBeTrue();
        var deleting = await Client.GetAsync<GpuLease>("a", Ns);
        deleting.Metadata.DeletionTimestamp.ShouldNotBeNull();
        (await Client.DeleteAsync<GpuLease>("a", Ns)).ShouldBeTrue();
        (await Client.GetAsync<GpuLease>("a", Ns)).Metadata.ResourceVersion.ShouldBe(deleting.Metadata.ResourceVersion);
        var more = await Should.ThrowAsync<KubernetesException>(() => Client.AddFinalizerAsync(deleting, "example.com/more", Ct));
        more.Code.ShouldBe(422);
        (await Should.ThrowAsync<KubernetesException>(() => Client.RemoveFinalizerAsync(lease, Wait, Ct))).IsConflict.ShouldBeTrue();
        await Client.RemoveFinalizerAsync(deleting, Wait, Ct);
        (await Client.FindAsync<GpuLease>("a", Ns)).ShouldBeNull();
        (await Client.RemoveFinalizerAsync(deleting, Wait, Ct)).ShouldBeNull();
    }

    [Fact]
    public async Task A_list_is_of_one_moment_and_a_watch_goes_on_from_it_in_order()
    {
        var first = await Client.CreateAsync(Lease("b", ("job", "x")));
        await Client.CreateAsync(Lease("c", ("job", "y")));
        await Client.CreateAsync(Lease("a", ("job", "x")));
        var list = await Client.ListAsync<GpuLease>(Ns, new ListOptions { LabelSelector = "job=x", Limit = 500 });
        list.Items.Select(l => l.Metadata.Name).ShouldBe(["a", "b"]);
        await MergeAsync("c", """{"metadata":{"annotations":{"x":"y"}}}""");
        await Client.AddFinalizerAsync(first, Wait, Ct);
        await Client.DeleteAsync<GpuLease>("b", Ns);
        await Client.RemoveFinalizerAsync(await Client.GetAsync<GpuLease>("b", Ns), Wait, Ct);
        var seen = await WatchedAsync("job=x", list.ResourceVersion, 3);
        seen.Select(e => (e.Type, e.Object!.Metadata.Name)).ShouldBe(
            [(WatchEventType.Modified, "b"), (WatchEventType.Modified, "b"), (WatchEventType.Deleted, "b")]);
        seen[^1].Object!.Metadata.ResourceVersion.ShouldBe(seen[^1].ResourceVersion);
        long.Parse(seen[^1].ResourceVersion).ShouldBeGreaterThan(long.Parse(seen[^2].ResourceVersion));
        (await WatchedAsync("job=x", seen[0].ResourceVersion, 2)).Select(e => e.ResourceVersion)
            .ShouldBe(seen.Skip(1).Select(e => e.ResourceVersion));
    }

    async Task<List<WatchEvent<GpuLease>>> WatchedAsync(string labels, string from, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var seen = new List<WatchEvent<GpuLease>>();
        var options = new WatchOptions { LabelSelector = labels, ResourceVersion = from };
        await foreach (var change in Client.WatchAsync<GpuLease>(Ns, options, limit.Token))
        {
            if (change.Type is not WatchEventType.Bookmark)
                seen.Add(change);
            if (seen.Count == count)
                break;
        }

        return seen;
    }

    GpuLease Lease(string name, params (string Key, string Value)[] labels) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = Ns, Labels = labels.ToDictionary(l => l.Key, l => l.Value) },
        Spec = new GpuLeaseSpec { Pool = "default" },
    };

    Task<GpuLease> MergeAsync(string name, string patch) => Client.PatchAsync<GpuLease>(name, Ns, Patch.Merge(JsonNode.Parse(patch)!));
}
