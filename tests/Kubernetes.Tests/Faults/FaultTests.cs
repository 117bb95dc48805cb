// A store against a server on a raw socket on which everything breaks. In the end the store equals the server, those who listen saw the
// same, and the server was not hammered.
using System.Collections.Immutable;
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Tests.Support;
using Framelease.Kubernetes.Watching;

namespace Framelease.Kubernetes.Tests.Faults;

public sealed class FaultTests
{
    /// <summary>Enough for one fault, its retries and a fresh start; a hot loop is far beyond.</summary>
    const int MostRequests = 15;

    public static TheoryData<string, bool> InitialFaults() => Both(Cases.OnInitial.Keys);

    public static TheoryData<string, bool> WatchFaults() => Both(Cases.OnWatch.Keys);

    [Theory]
    [MemberData(nameof(InitialFaults))]
    public async Task The_store_equals_the_server_after_its_first_look_met(string fault, bool streams)
    {
        await using var server = new FaultServer(streams);
        server.Initial.Enqueue(Cases.OnInitial[fault]);
        await RunAsync(server);
    }

    [Theory]
    [MemberData(nameof(WatchFaults))]
    public async Task The_store_equals_the_server_after_a_watch_met(string fault, bool streams)
    {
        await using var server = new FaultServer(streams);

        // A stream goes on as a watch by itself: it ends well after its list, so that a watch from a version follows.
        server.Initial.Enqueue(x => x.IsStream ? StreamOnceAsync(x, server.Collection) : x.ServeAsync());
        server.Watches.Enqueue(Cases.OnWatch[fault]);
        await RunAsync(server);
    }

    [Fact]
    public async Task Pages_whose_token_expires_become_one_list()
    {
        await using var server = new FaultServer(streams: false);
        for (var i = 0; i < 700; i++)
            server.Collection.Put($"m{i}", "1");
        server.Initial.Enqueue(x => x.ServeAsync());
        server.Initial.Enqueue(x => x.FailAsync(410));
        await RunAsync(server);
    }

    [Fact]
    public async Task A_stream_without_a_mark_at_its_end_is_not_taken_for_everything()
    {
        await using var server = new FaultServer(streams: true);
        server.Initial.Enqueue(async x =>
        {
            await x.HeadAsync();
            await x.SendAsync(server.Collection.All().Lines[0]);
        });
        await RunAsync(server);
    }

    [Fact]
    public async Task What_was_deleted_while_a_stream_ran_is_not_in_the_store()
    {
        await using var server = new FaultServer(streams: true);
        server.Initial.Enqueue(async x =>
        {
            await x.HeadAsync();
            await x.SendAsync(string.Concat(server.Collection.All().Lines));
            server.Collection.Delete("b");
            var (lines, version, _) = server.Collection.After(server.Collection.Version - 1);
            await x.SendAsync(string.Concat(lines) + Exchange.Mark(version));
        });
        await RunAsync(server);
    }

    [Fact]
    public async Task A_server_with_a_wrong_certificate_is_not_believed_until_it_has_the_right_one()
    {
        using var right = FaultServer.MakeCertificate();
        using var wrong = FaultServer.MakeCertificate();
        await using var server = new FaultServer(streams: true) { Certificate = right };
        server.Connections.Enqueue(socket => FaultServer.TlsAsync(socket, wrong));
        server.Connections.Enqueue(_ => Task.FromResult<Stream?>(null));
        server.Connections.Enqueue(async socket =>
        {
            await socket.SendAsync("HTTP/1.1 400 this is TLS?\r\n\r\n"u8.ToArray());
            return null;
        });
        await RunAsync(server, authority: Encoding.UTF8.GetBytes(right.ExportCertificatePem()));
    }

    /// <summary>What never mends: the store must go on trying, ever more slowly.</summary>
    [Fact]
    public async Task No_lasting_fault_becomes_a_hot_loop()
    {
        var faults = Cases.OnInitial.Append(new("a good end at once", Cases.OnWatch["a good end at once"])).ToArray();
        var counts = await Task.WhenAll(faults.Select(async fault =>
        {
            await using var server = new FaultServer(streams: true) { Always = fault.Value };
            using var client = Connect(server);
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(3));
            var stores = new StoreSet(client, TimeProvider.System, new Random(3));
            stores.Get<ConfigMap>();
            await stores.RunAsync(stop.Token);
            return (fault.Key, server.Requests);
        }));
        foreach (var (name, requests) in counts)
            requests.ShouldBeInRange(1, 25, name); // waits of 100, 200, 400 … ms, each of at most five tries
    }

    static async Task RunAsync(FaultServer server, byte[]? authority = null)
    {
        server.Collection.Put("a", "1");
        server.Collection.Put("b", "1");
        server.Collection.Put("c", "1");
        using var client = Connect(server, authority);
        using var stop = new CancellationTokenSource();
        var stores = new StoreSet(client, TimeProvider.System, new Random(3));
        var store = stores.Get<ConfigMap>(new("default"));
        var seen = new Dictionary<string, string>();
        store.Subscribe(c => Apply(seen, c));
        var running = stores.RunAsync(stop.Token);
        await store.Ready.WaitAsync(TimeSpan.FromMinutes(2));
        store.Find(new("default", "ghost")).ShouldBeNull("half of an answer is no answer");
        server.Collection.Put("a", "2");
        server.Collection.Delete("c");
        server.Collection.Put("d", "1");
        server.Collection.Put("d", "2");
        await Eventually.True(() => Values(store).SequenceEqual(server.Collection.Values), "the store equals the server");
        var again = 0;
        await Eventually.True(() => server.Collection.Put("again", $"{++again}"), () => server.Watches.Count == 0, "all faults were met");
        server.Collection.Put("last", "1");
        await Eventually.True(() => Values(store).SequenceEqual(server.Collection.Values), "the store equals the server");
        await stop.CancelAsync();
        await running;
        seen.ToImmutableSortedDictionary(StringComparer.Ordinal).ShouldBe(server.Collection.Values, "who listens saw what the store shows");
        server.Requests.ShouldBeLessThanOrEqualTo(MostRequests);
    }

    static void Apply(Dictionary<string, string> seen, StoreChange<ConfigMap> change)
    {
        if (change.Kind == StoreChangeKind.Deleted)
            seen.Remove(change.Key.Name);
        else
            seen[change.Key.Name] = change.New!.Data!["key"];
    }

    static KubernetesClient Connect(FaultServer server, byte[]? authority = null)
    {
        var options = new KubernetesClientOptions
        {
            Server = server.Address, Timeout = TimeSpan.FromSeconds(2), CertificateAuthorityData = authority, StreamLists = true,
        };
        return new(options, TimeProvider.System, new Random(7));
    }

    static async Task StreamOnceAsync(Exchange x, Collection collection)
    {
        await x.HeadAsync();
        var (lines, version) = collection.All();
        await x.SendAsync(string.Concat(lines) + Exchange.Mark(version));
    }

    static ImmutableSortedDictionary<string, string> Values(Store<ConfigMap> store) =>
        store.List().ToImmutableSortedDictionary(m => m.Metadata.Name!, m => m.Data!["key"], StringComparer.Ordinal);

    static TheoryData<string, bool> Both(IEnumerable<string> names)
    {
        var data = new TheoryData<string, bool>();
        foreach (var name in names)
        {
            data.Add(name, false);
            data.Add(name, true);
        }

        return data;
    }
}
