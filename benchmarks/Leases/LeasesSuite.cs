// What a lease costs and how soon it comes: hand-over beside the polling of a Redis key, dispatch of long queues, on real servers.
using Framelease.Benchmarks.Leases.Mixed;
using Framelease.Benchmarks.Reporting;

namespace Framelease.Benchmarks.Leases;

sealed class LeasesSuite(Cli.Shell shell, string programs, bool quick, Action<string> note)
{
    const string Suite = "leases", HandOvers = "handover", Dispatch = "dispatch", EndToEnd = "end-to-end", Heartbeats = "heartbeats",
        MixedLoads = "mixed", WorkerStart = "worker-start";

    readonly List<Figure> _figures = [];

    /// <summary>Suites by themselves for who works on one of them.</summary>
    public static string[] Parts { get; } =
        [.. new[] { HandOvers, Dispatch, EndToEnd, Heartbeats, WorkerStart, MixedLoads }.Select(part => $"{Suite}/{part}")];

    /// <param name="part">Null: all of them.</param>
    public async Task<IReadOnlyList<Figure>> RunAsync(string? part, CancellationToken ct)
    {
        if (part is null or HandOvers)
            await InDirectoryAsync(directory => HandOverAsync(directory, ct));
        if (part is null or Dispatch)
            await InDirectoryAsync(directory => DispatchAsync(directory, ct));
        if (part is null or EndToEnd)
            await InDirectoryAsync(directory => EndToEndAsync(directory, ct));
        if (part is null or Heartbeats)
            await InDirectoryAsync(directory => HeartbeatsAsync(directory, ct));
        var mixed = new MixedSuite(shell, quick, note, (name, value, unit, goal, met) => Add(name, value, unit, goal, met));
        if (part is null or WorkerStart)
            await InDirectoryAsync(directory => mixed.WorkerStartAsync(directory, ct));
        if (part is null or MixedLoads)
            await InDirectoryAsync(directory => mixed.MixedAsync(directory, ct));
        return _figures;
    }

    async Task HandOverAsync(string directory, CancellationToken ct)
    {
        const int Waiters = 10;
        var turns = quick ? 20 : 200;
        await using var redis = await RedisServer.StartAsync(Path.Combine(directory, "redis"), shell.Time, ct);
        var rate = await redis.SetsPerSecondAsync(TimeSpan.FromSeconds(quick ? 1 : 3), ct);
        var tool = await redis.BenchmarkAsync(ct);
        Add("redis-client-beside-redis-benchmark", rate, "SET NX/s", ">= 0.8 of redis-benchmark, 50 clients", rate >= 0.8 * tool, tool);

        var polling = Latencies.Of(
            await new SourceDesign(redis, shell, poll: true).RunAsync(20, Waiters, Math.Max(1, turns / 20), TimeSpan.FromSeconds(10), ct));
        var spinning = Latencies.Of(
            await new SourceDesign(redis, shell, poll: false).RunAsync(1, Waiters, turns, TimeSpan.FromMilliseconds(100), ct));
        await using var platform = await LeasePlatform.StartAsync(directory, programs, shell, ct);
        var run = new HandOver(platform, shell);
        await run.RunAsync(Waiters, 5, ct); // not counted: compilers and plan caches have their first seconds
        var ours = Latencies.Of(await run.RunAsync(Waiters, turns, ct));
        Note("hand-over in the source's design, polled after 0.5 to 5 s", polling);
        Note("hand-over in the source's design, polled without a pause", spinning);
        Note("hand-over, told by the operator", ours);
        Note("hand-over, shown by a watch of the GpuLease", Latencies.Of(run.ByWatch));
        const string Goal = ">= 20 x sooner than the polling design, 10 waiters";
        Add("handover-p50", ours.P50, "ms", Goal, ours.P50 * 20 <= polling.P50, polling.P50);
        Add("handover-p99", ours.P99, "ms", Goal, ours.P99 * 20 <= polling.P99, polling.P99);
        Add("handover-beside-no-pause-p50", ours.P50, "ms", "none; beside the lower bound", null, spinning.P50);
        var decided = Latencies.Of(run.FreeToGranted);
        Note("grant after it became possible, by the log's times", decided);
        Add("grant-p99", decided.P99, "ms", "<= 50 ms from the commit that frees the slot to the commit that grants it", decided.P99 <= 50);
    }

    async Task DispatchAsync(string directory, CancellationToken ct)
    {
        await using var rate = await DispatchRate.StartAsync(directory, shell, ct);
        var (waiting, nodes, devices) = quick ? (1_000, 50, 8) : (10_000, 500, 8);
        var (granted, took) = await rate.GrantAllAsync(waiting, nodes, devices, ct);
        var perSecond = granted / took.TotalSeconds;
        var goal = $">= 500/s; {waiting} waiting, {nodes} nodes, {nodes * devices} devices";
        Add("durable-grants", perSecond, "grants/s", goal, perSecond >= 500);

        double? shortest = null;
        foreach (var length in quick ? new[] { 100, 1_000, 10_000 } : [100, 1_000, 10_000, 100_000])
        {
            var round = await rate.RoundAsync(length, quick ? 10 : 50, ct);
            shortest ??= round.P50;
            Add(
                $"round-{length}-waiting", round.P50, "ms", "a round that grants one slot: no more than twice the shortest queue's",
                round.P50 <= 2 * shortest, shortest);
        }
    }

    async Task EndToEndAsync(string directory, CancellationToken ct)
    {
        var (waiting, nodes, devices) = quick ? (500, 25, 8) : (10_000, 500, 8);
        await using var platform = await LeasePlatform.StartAsync(directory, programs, shell, ct);
        var (rate, memory) = await new EndToEndDispatch(platform, shell, note).RunAsync(waiting, nodes, devices, ct);
        Add(
            "grants-with-status", rate, "grants/s",
            $">= 100/s until a watch shows them ({platform.ServerName}); {waiting} waiting, {nodes} nodes, {nodes * devices} devices",
            rate >= 100);
        Add("operator-memory", memory, "MiB", "<= 512 MB resident, the most in that run", memory * 1024 * 1024 <= 512e6);
    }

    async Task HeartbeatsAsync(string directory, CancellationToken ct)
    {
        var (holders, duration, silent) = quick ? (100, TimeSpan.FromSeconds(10), 5) : (1_000, TimeSpan.FromSeconds(60), 20);
        await using var platform = await LeasePlatform.StartAsync(directory, programs, shell, ct);
        await using var beats = new Beats(platform, shell);
        await beats.StartAsync(holders, ct);
        await beats.RunAsync(TimeSpan.FromSeconds(Beats.Interval), 0, ct); // not counted: the first beats compile the way of a beat
        var (times, cores) = await beats.RunAsync(duration, 0, ct);
        var answered = Latencies.Of(times);
        Note($"beats of {holders} holders, one in {Beats.Interval} s each", answered);
        Add("beat-p99", answered.P99, "ms", $"<= 50 ms; {holders} holders, {Beats.Interval} s", answered.P99 <= 50);
        Add("beat-processor", cores * 100, "% of a core", "<= 5 % of one core, the whole operator", cores <= 0.05);
        Add("lease-writes", beats.MostWrites, "writes", "<= transitions + 1 to any GpuLease", beats.MostWrites <= Beats.Transitions + 1);
        var detected = Latencies.Of(await beats.DetectedAfterAsync(silent, ct));
        Add(
            "silence-detected", detected.Most / 1000, "s", $"<= {Beats.SilentAfter} s timeout + 1 s, the latest of {detected.Count}",
            detected.Most / 1000 <= Beats.SilentAfter + 1);
    }

    static async Task InDirectoryAsync(Func<string, Task> work)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_101_101); // as root PostgreSQL runs as another user, who must pass through
        try
        {
            await work(directory);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    void Note(string what, Latencies l) =>
        note(FormattableString.Invariant($"{what}: p50 {l.P50:0.0} ms, p99 {l.P99:0.0} ms, most {l.Most:0.0} ms of {l.Count}"));

    void Add(string name, double value, string unit, string goal, bool? met, double? rival = null)
    {
        var figure = new Figure(Suite, name, value, unit, goal, met, rival, rival is { } r ? value / r : null);
        _figures.Add(figure);
        shell.Console.Out.WriteLine(figure);
        shell.Console.Out.Flush();
    }
}
