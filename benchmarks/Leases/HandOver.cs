using System.Collections.Concurrent;
using System.Globalization;
using System.Threading.Channels;
using Framelease.Kubernetes.Client;
using Framelease.Resources;
using Npgsql;

namespace Framelease.Benchmarks.Leases;

/// <summary>
/// One slot, always ten leases that wait for it, each with a request that waits as <c>framelease lease run</c> has one. The holder releases; the
/// next one knows that it holds the slot when its request is answered. Between the two lie the operator's API, two transactions and the
/// dispatcher. A watch looks on, for the way that needs no operator: reconciler and API server come on top.
/// </summary>
sealed class HandOver(LeasePlatform platform, Cli.Shell shell)
{
    static readonly TimeSpan Work = TimeSpan.FromMilliseconds(100);

    int _next;

    /// <summary>From each release to the moment when a watch shows the next holder.</summary>
    public IReadOnlyList<TimeSpan> ByWatch { get; private set; } = [];

    /// <summary>From the commit that freed the slot to the commit that granted it again, as the log has it.</summary>
    public IReadOnlyList<TimeSpan> FreeToGranted { get; private set; } = [];

    /// <returns>From each release to the answer that tells the next holder.</returns>
    public async Task<IReadOnlyList<TimeSpan>> RunAsync(int waiters, int turns, CancellationToken ct)
    {
        if (_next == 0)
            await platform.AddNodeAsync("one", 1, ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var granted = Channel.CreateUnbounded<(BenchHolder Holder, string Uid, long At)>();
        var watched = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var version = (await platform.Client.ListAsync<GpuLease>("default", ct: ct)).ResourceVersion;
        var watching = WatchAsync(version, watched, stop.Token);
        var waiting = new List<Task>();
        for (var i = 0; i <= waiters; i++)
            waiting.Add(WaitAsync(await AddAsync(ct), granted.Writer, stop.Token));
        var measured = new List<TimeSpan>();
        var turn = new List<(string Uid, long Released)>();
        long? released = null;
        while (measured.Count < turns)
        {
            var (holder, uid, at) = await granted.Reader.ReadAsync(ct);
            if (released is { } since)
            {
                measured.Add(shell.Time.GetElapsedTime(since, at));
                turn.Add((uid, since));
            }

            waiting.Add(WaitAsync(await AddAsync(ct), granted.Writer, stop.Token));
            await holder.AttachAsync(ct);
            await Task.Delay(Work, shell.Time, ct);
            released = shell.Time.GetTimestamp();
            await holder.ReleaseAsync(ct);
        }

        await stop.CancelAsync();
        await Task.WhenAll([watching, .. waiting]);
        await DrainAsync(ct);
        ByWatch = [.. turn.Where(t => watched.ContainsKey(t.Uid)).Select(t => shell.Time.GetElapsedTime(t.Released, watched[t.Uid]))];
        FreeToGranted = await ReadLogAsync(turns, ct);
        return measured;
    }

    async Task<string> AddAsync(CancellationToken ct) =>
        (await platform.Client.CreateAsync(platform.NewLease(string.Create(CultureInfo.InvariantCulture, $"lease-{++_next}")), ct)).Metadata.Uid!;

    async Task WaitAsync(string uid, ChannelWriter<(BenchHolder, string, long)> granted, CancellationToken ct)
    {
        var holder = platform.NewHolder(uid);
        try
        {
            await holder.WaitAsync(ct);
            await granted.WriteAsync((holder, uid, shell.Time.GetTimestamp()), CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // measured enough
        }
    }

    async Task WatchAsync(string version, ConcurrentDictionary<string, long> seen, CancellationToken ct)
    {
        var from = new WatchOptions { ResourceVersion = version };
        try
        {
            await foreach (var change in platform.Client.WatchAsync<GpuLease>("default", from, ct))
            {
                if (change.Object is { Status.State: "Granted" } lease)
                    seen.TryAdd(lease.Metadata.Uid!, shell.Time.GetTimestamp());
            }
        }
        catch (OperationCanceledException)
        {
            // measured enough
        }
    }

    async Task DrainAsync(CancellationToken ct)
    {
        while ((await platform.Client.ListAsync<GpuLease>("default", ct: ct)).Items is { Count: > 0 } left)
        {
            foreach (var lease in left.Where(l => l.Metadata.DeletionTimestamp is null))
                await platform.Client.DeleteAsync<GpuLease>(lease.Metadata.Name!, "default", ct: ct);
            await Task.Delay(TimeSpan.FromMilliseconds(50), shell.Time, ct);
        }
    }

    async Task<IReadOnlyList<TimeSpan>> ReadLogAsync(int turns, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(platform.Postgres);
        await using var command = source.CreateCommand(
            """
            select extract(epoch from granted.timestamp - freed.timestamp) * 1000
            from framelease_events.mt_events granted
            cross join lateral (
                select timestamp from framelease_events.mt_events f
                where f.type in ('slot_freed', 'lease_released') and f.seq_id < granted.seq_id order by f.seq_id desc limit 1) freed
            where granted.type = 'lease_granted' order by granted.seq_id desc limit $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = turns });
        var read = new List<TimeSpan>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
            read.Add(TimeSpan.FromMilliseconds((double)rows.GetDecimal(0)));
        return read;
    }
}
