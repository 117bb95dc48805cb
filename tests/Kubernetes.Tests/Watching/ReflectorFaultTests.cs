// The store against a server on which everything breaks: in the end the store equals the server, and the server was not hammered.
using System.Collections.Immutable;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Framelease.Kubernetes.Watching;

namespace Framelease.Kubernetes.Tests.Watching;

public sealed class ReflectorFaultTests
{
    public static TheoryData<Fault, int> Faults()
    {
        var data = new TheoryData<Fault, int>();
        foreach (var fault in Enum.GetValues<Fault>())
        {
            if (fault == Fault.Hang)
                continue; // its end needs virtual time: see below
            data.Add(fault, 0);
            data.Add(fault, 2);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task After_a_broken_watch_the_store_equals_the_server(Fault fault, int afterEvents)
    {
        var collection = new FaultyCollection();
        collection.Put("a", "1");
        collection.Put("b", "1");
        collection.Watches.Enqueue((fault, afterEvents));
        collection.Watches.Enqueue((fault, 1));
        await RunAsync(collection, () =>
        {
            collection.Put("a", "2");
            collection.Put("c", "1");
            collection.Delete("b");
            collection.Put("b", "again");
            collection.Delete("c");
            return Task.CompletedTask;
        });
    }

    [Theory]
    [InlineData(410)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task A_refused_watch_is_opened_again_or_listed_anew(int code)
    {
        var collection = new FaultyCollection { RetryAfter = code == 429 ? "1" : null };
        collection.Put("a", "1");
        collection.WatchFailures.Enqueue(code);
        collection.WatchFailures.Enqueue(code);
        await RunAsync(collection, () =>
        {
            collection.Put("a", "2");
            return Task.CompletedTask;
        });
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(410)]
    [InlineData(429)]
    public async Task A_refused_list_is_asked_again(int code)
    {
        var collection = new FaultyCollection();
        collection.Put("a", "1");
        collection.ListFailures.Enqueue(code);
        collection.ListFailures.Enqueue(code);
        await RunAsync(collection, () => Task.CompletedTask);
    }

    [Fact]
    public async Task A_list_of_many_pages_is_read_to_its_end()
    {
        var collection = new FaultyCollection();
        for (var i = 0; i < 1203; i++)
            collection.Put($"m{i}", "1");
        await RunAsync(collection, () =>
        {
            collection.Put("late", "1");
            return Task.CompletedTask;
        });
        collection.Lists.ShouldBe(3);
    }

    [Fact]
    public async Task After_a_compaction_the_store_is_listed_anew_and_forgets_what_was_deleted_meanwhile()
    {
        var collection = new FaultyCollection();
        collection.Put("a", "1");
        collection.Put("b", "1");
        collection.Watches.Enqueue((Fault.ExpiredEvent, 1));
        await RunAsync(collection, () =>
        {
            collection.Put("a", "2");
            collection.Delete("b");
            collection.Compact();
            collection.Put("c", "1");
            return Task.CompletedTask;
        });
        collection.Lists.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_watch_that_hangs_is_given_up_after_its_time()
    {
        var collection = new FaultyCollection();
        collection.Put("a", "1");
        collection.Watches.Enqueue((Fault.Hang, 0));
        var time = new ManualTimeProvider();
        await using var server = await ScriptedServer.StartAsync(collection.HandleAsync);
        using var client = server.Connect(time: time);
        using var stop = new CancellationTokenSource();
        var stores = new StoreSet(client, time, new Random(3));
        var store = stores.Get<ConfigMap>(new("default"));
        var running = stores.RunAsync(stop.Token);
        await Eventually.True(() => collection.WatchesOpened == 1, "the first watch");
        collection.Put("a", "2");
        await Eventually.True(time, TimeSpan.FromMinutes(1), () => Equal(store, collection), "the store sees the change");
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task A_server_that_ends_every_watch_at_once_is_not_hammered()
    {
        var collection = new FaultyCollection();
        for (var i = 0; i < 1000; i++)
            collection.Watches.Enqueue((Fault.CleanEnd, 0));
        await using var server = await ScriptedServer.StartAsync(collection.HandleAsync);
        using var client = server.Connect();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var stores = new StoreSet(client, TimeProvider.System, new Random(3));
        stores.Get<ConfigMap>();
        await stores.RunAsync(stop.Token);
        collection.WatchesOpened.ShouldBeInRange(1, 8); // 100, 200, 400, 800 … ms, half of it at least
    }

    static async Task RunAsync(FaultyCollection collection, Func<Task> change)
    {
        await using var server = await ScriptedServer.StartAsync(collection.HandleAsync);
        using var client = server.Connect();
        using var stop = new CancellationTokenSource();
        var stores = new StoreSet(client, TimeProvider.System, new Random(3));
        var store = stores.Get<ConfigMap>(new("default"));
        var seen = new Dictionary<string, string>();
        store.Subscribe(c =>
        {
            if (c.Kind == StoreChangeKind.Deleted)
                seen.Remove(c.Key.Name);
            else
                seen[c.Key.Name] = c.New!.Data!["key"];
        });
        var running = stores.RunAsync(stop.Token);
        await store.Ready.WaitAsync(TimeSpan.FromSeconds(120));
        await change();
        collection.Put("last", "1");
        await Eventually.True(() => Equal(store, collection), $"the store equals the server: {Show(store)} against {collection.Values.Count}");
        await stop.CancelAsync();
        await running;
        seen.ToImmutableSortedDictionary(StringComparer.Ordinal).ShouldBe(collection.Values, "handlers saw another end than the store");
    }

    static bool Equal(Store<ConfigMap> store, FaultyCollection collection) =>
        store.List().ToImmutableSortedDictionary(m => m.Metadata.Name!, m => m.Data!["key"], StringComparer.Ordinal).SequenceEqual(collection.Values);

    static string Show(Store<ConfigMap> store) => string.Join(",", store.List().Take(10).Select(m => $"{m.Metadata.Name}={m.Data!["key"]}"));
}
