// How the embedded API server does alone: start, writes, lists, watches, memory. It has no rival here: a cluster is another thing.
using System.Text;
using Framelease.Benchmarks.Reporting;

namespace Framelease.Benchmarks.LocalCluster;

sealed class LocalClusterSuite(Cli.Shell shell, string programs, bool quick)
{
    const string Suite = "localcluster";
    const string NoGoal = "none; for comparison over time";
    const double MiB = 1024 * 1024;
    const int Writers = 16;
    const int Watchers = 50;
    const int Listed = 1000;
    const int Held = 10_000;
    static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);

    readonly TimeProvider _time = shell.Time;
    readonly List<Figure> _figures = [];

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        var program = Path.Combine(Path.GetFullPath(programs), "framelease-localcluster");
        try
        {
            await StartsAsync(program, directory, ct);
            await using var server = await ServerRun.StartAsync(program, Path.Combine(directory, "work"), _time, ct);
            // Unmeasured: code that the runtime has not compiled in full yet, connections that are not there yet.
            await server.NamespaceAsync("warm", ct);
            await server.CreateManyAsync("warm", "w", quick ? 500 : 2000, Writers, ct);
            await ListsAsync(server, ct);
            await FanOutAsync(server, ct);
            await CreatesAsync(server, ct);
            await MemoryAsync(program, directory, ct);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return _figures;
    }

    async Task StartsAsync(string program, string directory, CancellationToken ct)
    {
        var starts = new List<double>();
        for (var run = 0; run < (quick ? 3 : 7); run++)
        {
            await using var server = await ServerRun.StartAsync(program, Path.Combine(directory, $"start-{run}"), _time, ct);
            starts.Add(server.Ready.TotalSeconds);
        }

        Note($"starts on a new directory: {string.Join(", ", starts.Select(start => FormattableString.Invariant($"{start:0.00}")))} s");
        var ready = Median(starts);
        Add(new Figure(Suite, "start-to-ready", ready, "s", "<= 0.8 s from process to listening, new directory, median", ready <= 0.8));
    }

    async Task ListsAsync(ServerRun server, CancellationToken ct)
    {
        await server.NamespaceAsync("listed", ct);
        await server.CreateManyAsync("listed", "l", Listed, Writers, ct);
        var took = new List<double>();
        for (var run = 0; run < (quick ? 10 : 50); run++)
        {
            var began = _time.GetTimestamp();
            var bytes = await server.Client.GetByteArrayAsync("/api/v1/namespaces/listed/configmaps", ct);
            took.Add(_time.GetElapsedTime(began).TotalMilliseconds);
            if (run == 0)
                Note($"a list of {Listed} objects is {bytes.Length / 1024.0:0} KiB");
        }

        Add(new Figure(Suite, "list-1000", Median(took), "ms", NoGoal, null));
    }

    async Task FanOutAsync(ServerRun server, CancellationToken ct)
    {
        var changes = quick ? 200 : 500;
        await server.NamespaceAsync("watched", ct);
        var watches = new List<Task>();
        for (var i = 0; i < Watchers; i++)
        {
            var stream = await server.Client.GetStreamAsync("/api/v1/namespaces/watched/configmaps?watch=true", ct);
            watches.Add(ReadAsync(stream, changes, ct));
        }

        var began = _time.GetTimestamp();
        await server.CreateManyAsync("watched", "c", changes, Writers, ct);
        await Task.WhenAll(watches);
        var seconds = _time.GetElapsedTime(began).TotalSeconds;
        Note($"{changes} creates seen by {Watchers} watchers in {seconds:0.00} s");
        Add(new Figure(Suite, "watch-fan-out-50", changes * Watchers / seconds, "events/s", NoGoal, null));
    }

    static async Task ReadAsync(Stream stream, int changes, CancellationToken ct)
    {
        using var lines = new StreamReader(stream, Encoding.UTF8);
        for (var seen = 0; seen < changes; seen++)
        {
            if (await lines.ReadLineAsync(ct) is null)
                throw new InvalidOperationException($"a watch ended after {seen} of {changes} changes");
        }
    }

    async Task CreatesAsync(ServerRun server, CancellationToken ct)
    {
        var count = quick ? 2000 : 5000;
        await server.NamespaceAsync("created", ct);
        var began = _time.GetTimestamp();
        await server.CreateManyAsync("created", "c", count, Writers, ct);
        Add(new Figure(Suite, "creates", count / _time.GetElapsedTime(began).TotalSeconds, "objects/s", NoGoal, null));
    }

    async Task MemoryAsync(string program, string directory, CancellationToken ct)
    {
        await using var server = await ServerRun.StartAsync(program, Path.Combine(directory, "memory"), _time, ct);
        await Task.Delay(Settle, _time, ct);
        Note($"idle: {server.Memory() / MiB:0.0} MiB");
        await server.NamespaceAsync("held", ct);
        await server.CreateManyAsync("held", "h", Held, Writers, ct);
        await Task.Delay(Settle, _time, ct);
        var memory = server.Memory() / MiB;
        Add(new Figure(Suite, "memory-10000-objects", memory, "MiB", "<= 150 MB PSS with 10,000 objects of 1 KB, after creating them", memory * MiB <= 150e6));
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    void Note(FormattableString text) => shell.Console.Error.WriteLine(FormattableString.Invariant(text));

    void Add(Figure figure)
    {
        _figures.Add(figure);
        shell.Console.Out.WriteLine(figure);
        shell.Console.Out.Flush();
    }
}
