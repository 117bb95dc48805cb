using System.Globalization;
using Framelease.Benchmarks.Kubernetes;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using Npgsql;
using static System.FormattableString;

namespace Framelease.Benchmarks.Leases;

/// <summary>
/// Many holders on connections of their own that beat every ten seconds, evenly spread; then some of them fall silent, and then their nodes
/// are declared dead.
/// </summary>
sealed class Beats(LeasePlatform platform, Cli.Shell shell) : IAsyncDisposable
{
    const int Writers = 16, DevicesPerNode = 8;

    /// <summary>Seconds.</summary>
    public const int Interval = 10, SilentAfter = 30;

    readonly Dictionary<string, (string Node, BenchHolder Holder)> _holders = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _writes = new(StringComparer.Ordinal);

    readonly CancellationTokenSource _stop = new();
    Task _watching = Task.CompletedTask;

    /// <summary>What a write to a GpuLease may tell of: requested, granted, attached.</summary>
    public const int Transitions = 3;

    /// <returns>Most writes that any of the GpuLease objects got from its creation to the end of the beats.</returns>
    public int MostWrites => _writes.Values.Max();

    /// <summary>Grants and attaches so many leases, and counts what is written to their objects from then on.</summary>
    public async Task StartAsync(int count, CancellationToken ct)
    {
        var version = (await platform.Client.ListAsync<GpuLease>("default", ct: ct)).ResourceVersion;
        var granted = new TaskCompletionSource();
        _watching = WatchAsync(version, count, granted, _stop.Token);
        await ServerTarget.ManyAsync(
            (count + DevicesPerNode - 1) / DevicesPerNode, Writers,
            (i, stop) => platform.AddNodeAsync(Invariant($"node-{i:D3}"), DevicesPerNode, stop), ct);
        await ServerTarget.ManyAsync(
            count, Writers,
            (i, stop) =>
            {
                var lease = platform.NewLease(Invariant($"lease-{i:D6}"));
                var spec = lease.Spec with { HeartbeatIntervalSeconds = Interval, HeartbeatTimeoutSeconds = SilentAfter };
                return platform.Client.CreateAsync(lease with { Spec = spec }, stop);
            },
            ct);
        await granted.Task.WaitAsync(TimeSpan.FromMinutes(5), shell.Time, ct);
        var leases = (await platform.Client.ListAsync<GpuLease>("default", ct: ct)).Items;
        foreach (var lease in leases)
            _holders[lease.Metadata.Uid!] = (lease.Status!.Node!, platform.NewHolder(lease.Metadata.Uid!));
        var holders = _holders.Values.ToList();
        await ServerTarget.ManyAsync(count, Writers, (i, stop) => holders[i].Holder.AttachAsync(stop), ct);
    }

    /// <param name="silent">Of the holders, the last so many beat no more.</param>
    /// <returns>From the moment at which each beat was due to its answer; and the operator's processor time a second.</returns>
    public async Task<(IReadOnlyList<TimeSpan> Times, double Cores)> RunAsync(TimeSpan duration, int silent, CancellationToken ct)
    {
        var times = new List<TimeSpan>();
        var holders = _holders.Values.SkipLast(silent).Select(h => h.Holder).ToList();
        var (started, before) = (shell.Time.GetTimestamp(), ProcessorTime());
        await Task.WhenAll(holders.Select(async (holder, i) =>
        {
            var first = TimeSpan.FromSeconds((double)Interval * i / holders.Count);
            for (var due = first; due < duration; due += TimeSpan.FromSeconds(Interval))
            {
                var wait = due - shell.Time.GetElapsedTime(started);
                if (wait > TimeSpan.Zero)
                    await Task.Delay(wait, shell.Time, ct);
                // A timer that fires late is this program's delay, not the operator's.
                var sent = shell.Time.GetTimestamp();
                await holder.BeatAsync(ct);
                lock (times)
                    times.Add(shell.Time.GetElapsedTime(sent));
            }
        }));
        return (times, (ProcessorTime() - before) / shell.Time.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>From the last beat of each that fell silent to the event that expires it, by PostgreSQL's clock.</summary>
    public async Task<IReadOnlyList<TimeSpan>> DetectedAfterAsync(int silent, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(platform.Postgres);
        await using var command = source.CreateCommand(
            """
            select extract(epoch from e.timestamp - h.beat_at)::float8
            from framelease_events.mt_events e join framelease.holders h on 'lease-' || h.lease_uid = e.stream_id
            where e.type = 'lease_expired'
            """);
        var started = shell.Time.GetTimestamp();
        while (true)
        {
            var read = new List<TimeSpan>();
            await using (var rows = await command.ExecuteReaderAsync(ct))
            {
                while (await rows.ReadAsync(ct))
                    read.Add(TimeSpan.FromSeconds(rows.GetDouble(0)));
            }

            if (read.Count >= silent)
                return read;
            if (shell.Time.GetElapsedTime(started) > TimeSpan.FromMinutes(3))
                throw new InvalidOperationException($"{read.Count} of {silent} silent holders expired");
            await BeatAllAsync(silent, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    // The others go on: holders that all fall silent at once are not believed.
    Task BeatAllAsync(int silent, CancellationToken ct) => RunAsync(TimeSpan.FromSeconds(Interval), silent, ct);

    // User and system time, in the kernel's hundredths of a second.
    double ProcessorTime()
    {
        var stat = File.ReadAllText(Invariant($"/proc/{platform.OperatorPid}/stat"));
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    }

    async Task WatchAsync(string version, int count, TaskCompletionSource granted, CancellationToken ct)
    {
        var left = count;
        var from = new WatchOptions { ResourceVersion = version };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var change in platform.Client.WatchAsync<GpuLease>("default", from, ct))
            {
                if (change.Object is not { } lease)
                    continue;
                if (change.Type is WatchEventType.Modified)
                    _writes[lease.Metadata.Uid!] = _writes.GetValueOrDefault(lease.Metadata.Uid!) + 1;
                if (lease.Status?.State is "Granted" && seen.Add(lease.Metadata.Uid!) && --left == 0)
                    granted.TrySetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // counted enough
        }
    }
}
