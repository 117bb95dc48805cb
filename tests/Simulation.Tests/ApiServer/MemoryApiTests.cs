using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>The API server in memory keeps the contract; below it, what only its server can be made to do.</summary>
public sealed class MemoryApiTests : PodContract
{
    readonly MemoryApiServer _server = new(() => new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private protected override Task<(IKubernetesClient Client, string Namespace)> OpenAsync() =>
        Task.FromResult<(IKubernetesClient, string)>((new MemoryKubernetes(_server, new StraightApiWay()), "default"));

    [Fact]
    public async Task A_watch_from_before_a_compaction_is_gone()
    {
        var map = new ConfigMap { Metadata = new ObjectMeta { Name = "a" } };
        var made = await Client.CreateAsync(map);
        await Client.CreateAsync(map with { Metadata = new ObjectMeta { Name = "b" } });
        _server.Compact();
        var old = new WatchOptions { ResourceVersion = made.Metadata.ResourceVersion };
        var watch = Client.WatchAsync<ConfigMap>("default", old).GetAsyncEnumerator();
        (await Should.ThrowAsync<KubernetesException>(async () => await watch.MoveNextAsync())).IsGone.ShouldBeTrue();
    }

    [Fact]
    public async Task A_bookmark_tells_where_to_go_on_from()
    {
        await Client.CreateAsync(new ConfigMap { Metadata = new ObjectMeta { Name = "a" } });
        var watch = Client.WatchAsync<ConfigMap>("default", new WatchOptions { ResourceVersion = "0" }).GetAsyncEnumerator();
        (await watch.MoveNextAsync()).ShouldBeTrue();
        _server.SendBookmarks();
        (await watch.MoveNextAsync()).ShouldBeTrue();
        (watch.Current.Type, watch.Current.ResourceVersion).ShouldBe((WatchEventType.Bookmark, "1"));
    }

    [Fact]
    public async Task What_lost_its_owner_is_collected()
    {
        var owner = await Client.CreateAsync(new ConfigMap { Metadata = new ObjectMeta { Name = "owner" } });
        var reference = new OwnerReference("v1", "ConfigMap", "owner", owner.Metadata.Uid!);
        await Client.CreateAsync(new ConfigMap { Metadata = new ObjectMeta { Name = "owned", OwnerReferences = [reference] } });
        _server.CollectGarbage();
        (await Client.FindAsync<ConfigMap>("owned", "default")).ShouldNotBeNull();
        await Client.DeleteAsync<ConfigMap>("owner", "default");
        _server.CollectGarbage();
        (await Client.FindAsync<ConfigMap>("owned", "default")).ShouldBeNull();
    }

    internal sealed class StraightApiWay : IApiWay
    {
        public Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel)
        {
            try
            {
                return Task.FromResult(work());
            }
            catch (Exception e)
            {
                return Task.FromException<T>(e);
            }
        }

        public Task OpenAsync(WatchStream stream, int seconds, Func<Action<ApiChange>, IDisposable> open, CancellationToken cancel)
        {
            stream.Server = open(stream.Arrive);
            return Task.CompletedTask;
        }
    }
}
