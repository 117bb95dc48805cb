using System.Globalization;
using Framelease.Benchmarks.LocalCluster;
using Framelease.Benchmarks.Reporting;
using Framelease.Kubernetes.Watching;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>
/// The client beside what the same API server does for anybody: the one that FRAMELEASE_TEST_KUBECONFIG names, or else the embedded one. The kill
/// is always of an embedded one.
/// </summary>
sealed class ServerFigures(Cli.Shell shell, string programs, bool quick, Action<string> note, Action<Figure> add)
{
    const string Suite = "kubernetes";
    const int Workers = 16;
    const int Listed = 10_000;

    readonly int _objects = quick ? 1000 : 10_000;
    readonly TimeProvider _time = shell.Time;

    public async Task RunAsync(CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        try
        {
            var given = shell.Environment("FRAMELEASE_TEST_KUBECONFIG") is { Length: > 0 } path ? path : null;
            await using var embedded = given is null ? await StartAsync(directory, ct) : null;
            note(given is null ? "API server: the embedded one (FRAMELEASE_TEST_KUBECONFIG names another)" : $"API server: that of {given}");
            var server = Target(given ?? Kubeconfig(directory));
            var ns = $"bench-{shell.NewId():N}";
            try
            {
                await ListAsync(server, await server.FillAsync($"{ns}-list", Listed, Workers, ct), directory, ct);
                await ControllerAsync(server, ns, ct);
            }
            finally
            {
                if (given is not null)
                    await server.CleanUpAsync(ns, CancellationToken.None); // somebody's server: nothing of ours stays there
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        await KillAsync(ct);
    }

    /// <summary>From nothing to a filled store, beside one GET of the same collection into nowhere; in turns, the best of each.</summary>
    async Task ListAsync(ServerTarget server, string ns, string directory, CancellationToken ct)
    {
        var (ours, streamed, curl, bytes) = (double.MaxValue, double.MaxValue, double.MaxValue, 0L);
        for (var run = 0; run < (quick ? 4 : 10); run++)
        {
            if (await server.CurlAsync(server.Path(ns), directory, ct) is not { } rival)
            {
                note("no curl here: the list has no rival and is left out");
                return;
            }

            (curl, bytes) = (Math.Min(curl, rival.Seconds), rival.Bytes);
            ours = Math.Min(ours, await FillStoreAsync(server, ns, stream: false, ct));
            streamed = Math.Min(streamed, await FillStoreAsync(server, ns, stream: true, ct));
        }

        note(string.Create(CultureInfo.InvariantCulture, $"the list is {bytes / 1048576.0:0.0} MiB; curl {curl * 1000:0} ms, a filled store {ours * 1000:0} ms"));
        add(new(Suite, "list-10000", ours, "s", "<= 2 x curl of the same list", ours <= 2 * curl, curl, ours / curl));
        add(new(Suite, "list-10000-streamed", streamed, "s", "none; what a stream costs that spares the server's memory", null, curl, streamed / curl));
    }

    async Task<double> FillStoreAsync(ServerTarget server, string ns, bool stream, CancellationToken ct)
    {
        using var client = server.Connect(stream);
        var stores = new StoreSet(client, _time, shell.Random);
        var store = stores.Get<Item>(new Selection(ns));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var started = _time.GetTimestamp();
        var running = stores.RunAsync(stop.Token);
        await stores.ReadyAsync(ct);
        var took = _time.GetElapsedTime(started).TotalSeconds;
        await stop.CancelAsync();
        await running;
        return store.Count == Listed ? took : throw new InvalidOperationException($"the store holds {store.Count} objects instead of {Listed}");
    }

    async Task ControllerAsync(ServerTarget server, string ns, CancellationToken ct)
    {
        var (bareOnes, controlled) = (await server.FillAsync($"{ns}-bare", _objects, Workers, ct), await server.FillAsync($"{ns}-ours", _objects, Workers, ct));
        var run = new ControllerRun(server, _time, shell.Random, Workers);
        var (ours, bare) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < (quick ? 2 : 3); round++)
        {
            var phase = string.Create(CultureInfo.InvariantCulture, $"round-{round}");
            var took = await run.BareAsync(bareOnes, phase, _objects, ct);
            var (seconds, reached) = await run.OursAsync(controlled, phase, _objects, null, ct);
            if (reached != _objects)
                throw new InvalidOperationException($"{_objects - reached} of {_objects} objects were not reconciled");
            (ours, bare) = (Math.Min(ours, seconds), Math.Min(bare, took));
        }

        note(string.Create(CultureInfo.InvariantCulture, $"{_objects} status patches: {_objects / bare:0}/s bare, {_objects / ours:0}/s by a controller with {Workers} workers"));
        add(new(Suite, "controller", ours, "s", "<= 1.3 x the bare patches of as many objects, as many at once", ours <= 1.3 * bare, bare, ours / bare));
    }

    async Task KillAsync(CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        var server = await StartAsync(directory, ct);
        try
        {
            var target = Target(Kubeconfig(directory));
            var ns = await target.FillAsync("bench-kill", _objects, Workers, ct);
            var (seconds, reached) = await new ControllerRun(target, _time, shell.Random, Workers).OursAsync(
                ns, "done", _objects,
                async () =>
                {
                    await server.DisposeAsync(); // SIGKILL
                    server = await StartAsync(directory, ct);
                },
                ct);
            note(string.Create(CultureInfo.InvariantCulture, $"with a kill of the API server half-way: {seconds:0.0} s"));
            add(new(Suite, "controller-over-a-kill", reached, "objects", $"= {_objects}: no key is lost when the server is killed half-way", reached == _objects));
        }
        finally
        {
            await server.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    Task<ServerRun> StartAsync(string directory, CancellationToken ct) =>
        ServerRun.StartAsync(Path.Combine(Path.GetFullPath(programs), "framelease-localcluster"), Path.Combine(directory, "server"), _time, ct);

    static string Kubeconfig(string directory) => Path.Combine(directory, "server", "kubeconfig");

    ServerTarget Target(string kubeconfig) => new(kubeconfig, _time, shell.Random);
}
