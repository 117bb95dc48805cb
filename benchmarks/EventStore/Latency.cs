using System.Globalization;
using Framelease.EventStore;
using Npgsql;

namespace Framelease.Benchmarks.EventStore;

/// <summary>
/// How long an acknowledged append takes to be in an asynchronous view. Writer and daemon have a store each, as two processes have, so that
/// hints go by NOTIFY. Visible is what another connection sees: the view's position, which is committed with its rows.
/// </summary>
sealed class Latency(string connection, Func<Guid> newId, TimeProvider time)
{
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(1);

    /// <param name="rate">Appends a second; they come evenly.</param>
    /// <param name="polling">Null: the daemon as it is; else without hints, polling so often.</param>
    /// <returns>The 99th percentile in milliseconds, and the appends a second that were reached.</returns>
    public async Task<(double Milliseconds, double Rate)> RunAsync(
        string name, double rate, TimeSpan duration, TimeSpan? polling, CancellationToken ct)
    {
        var registry = new EventRegistry().Register<FrameCoded>("frame_coded");
        var options = new EventStoreOptions { ConnectionString = connection, NewId = newId };
        await using var writer = new PostgresEventStore(options, registry, time);
        var view = FrameView.Projection with { Name = name };
        await using var reader = new PostgresEventStore(
            options with
            {
                Projections = new ProjectionSet { Asynchronous = [view] },
                UseNotify = polling is null,
                PollInterval = polling ?? options.PollInterval,
            },
            registry, time);
        // What other runs left is not this one's work.
        await ExecuteAsync(
            $"""
            truncate framelease.frame_view;
            insert into framelease_events.mt_event_progression (name, last_seq_id)
            select '{view.Identity}', coalesce(max(seq_id), 0) from framelease_events.mt_events
            on conflict (name) do update set last_seq_id = excluded.last_seq_id
            """,
            ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var daemon = new ProjectionDaemon(reader);
        var following = daemon.RunAsync(stop.Token);
        await daemon.CatchUpAsync(ct);
        try
        {
            return await MeasureAsync(writer, view.Identity, rate, duration, ct);
        }
        finally
        {
            await stop.CancelAsync();
            await following;
        }
    }

    async Task<(double Milliseconds, double Rate)> MeasureAsync(
        PostgresEventStore writer, string identity, double rate, TimeSpan duration, CancellationToken ct)
    {
        var acknowledged = new List<(long Sequence, long At)>();
        var started = time.GetTimestamp();
        var total = (int)(rate * duration.TotalSeconds);
        var writers = (int)Math.Clamp(rate / 50, 1, 32);
        var next = -1;
        var writing = Task.WhenAll(Enumerable.Range(0, writers).Select(WriteAsync));
        var seen = new List<(long Position, long At)>();
        await using var source = NpgsqlDataSource.Create(connection);
        await using var looking = await source.OpenConnectionAsync(ct);
        await using var look = new NpgsqlCommand("select last_seq_id from framelease_events.mt_event_progression where name = $1", looking);
        look.Parameters.Add(new NpgsqlParameter { Value = identity });
        await look.PrepareAsync(ct);
        while (true)
        {
            var isLast = writing.IsCompleted;
            var position = (long)(await look.ExecuteScalarAsync(ct))!;
            if (seen.Count == 0 || seen[^1].Position < position)
                seen.Add((position, time.GetTimestamp()));
            if (isLast && position >= acknowledged.Max(a => a.Sequence))
                break;
            await Task.Delay(Look, time, ct);
        }

        await writing;
        var reached = acknowledged.Count / time.GetElapsedTime(started, acknowledged.Max(a => a.At)).TotalSeconds;
        var latencies = acknowledged
            .Select(a => time.GetElapsedTime(a.At, Math.Max(a.At, seen.First(s => s.Position >= a.Sequence).At)).TotalMilliseconds).Order()
                .ToArray();
        return (Percentile(latencies, 0.99), reached);

        async Task WriteAsync(int number)
        {
            await Task.Yield();
            while (Interlocked.Increment(ref next) is var n && n < total)
            {
                var due = TimeSpan.FromSeconds(n / rate) - time.GetElapsedTime(started);
                if (due > TimeSpan.Zero)
                    await Task.Delay(due, time, ct);
                var stream = string.Create(CultureInfo.InvariantCulture, $"{identity}-{number}-{n % 10}");
                var result = await writer.OpenSession().AppendAny(stream, FrameCoded.Sample).SaveChangesAsync(ct);
                var at = time.GetTimestamp();
                lock (acknowledged)
                    acknowledged.Add((result.LastSequence, at));
            }
        }
    }

    public static double Percentile(double[] ordered, double share) => ordered[Math.Min(ordered.Length - 1, (int)(ordered.Length * share))];

    async Task ExecuteAsync(string sql, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}
