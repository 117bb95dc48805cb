using Framelease.EventStore;
using Npgsql;

namespace Framelease.Benchmarks.EventStore;

/// <summary>
/// Reads, writes and both, over few and many streams and connections: latency may grow with the size of the tables like an index does, not like
/// the tables, and nothing may end in a deadlock. One worker a connection; each takes any stream.
/// </summary>
sealed class ScaleFigures(string connection, Cli.Shell shell, bool quick, ReadSide.Adding add)
{
    const int EventsPerStream = 10;

    // At a tenth of the rows an index of the same height is one level lower at most, so that twice the time is a generous logarithm.
    const double MostGrowth = 2;

    readonly TimeSpan _duration = TimeSpan.FromSeconds(quick ? 0.5 : 3);

    public async Task RunAsync(CancellationToken ct)
    {
        var before = new Dictionary<string, double>(StringComparer.Ordinal);
        var filled = 0;
        await using (var store = Store(10))
            await store.MigrateAsync(ct);
        foreach (var streams in quick ? [1_000, 10_000] : new[] { 1_000, 10_000, 100_000 })
        {
            await FillAsync(filled, streams, ct);
            filled = streams;
            foreach (var connections in new[] { 10, 50, 100 })
            {
                await using var store = Store(connections);
                foreach (var (name, writes) in new[] { ("read", 0), ("write", 1), ("mixed", 5) })
                    await MeasureAsync(store, name, writes, streams, connections, before, ct);
            }
        }
    }

    // one session a connection: what is asked for is what many connections do, not what a group makes of them
    PostgresEventStore Store(int connections) => new(
        new EventStoreOptions
        {
            ConnectionString = connection, NewId = shell.NewId, UseNotify = false, MaxPoolSize = connections, UseGroupCommit = false,
        },
        new EventRegistry().Register<FrameCoded>("frame_coded"), shell.Time);

    /// <param name="writes">0: none; n: every n-th turn is an append.</param>
    async Task MeasureAsync(
        PostgresEventStore store, string name, int writes, int streams, int connections, Dictionary<string, double> before, CancellationToken ct)
    {
        await TurnsAsync(TimeSpan.FromSeconds(0.3));
        var (rate, p99) = await TurnsAsync(_duration);
        var key = $"{name}-connections-{connections}";
        double? smaller = before.TryGetValue(key, out var found) ? found : null;
        before[key] = p99;
        add($"scale-{key}-streams-{streams}", rate, "operations/s", "none; an error or a deadlock ends the run", null);
        add($"scale-{key}-streams-{streams}-p99", p99, "ms", $"<= {MostGrowth} of that with a tenth of the streams", !(p99 / smaller > MostGrowth),
            smaller, p99 / smaller);

        async Task<(double Rate, double P99)> TurnsAsync(TimeSpan duration)
        {
            var started = shell.Time.GetTimestamp();
            var took = await Task.WhenAll(Enumerable.Range(0, connections).Select(async worker =>
            {
                await Task.Yield();
                var (random, times) = (new Random(worker), new List<double>());
                for (var turn = 1; shell.Time.GetElapsedTime(started) < duration; turn++)
                {
                    var stream = $"scale-{random.Next(streams)}";
                    var at = shell.Time.GetTimestamp();
                    if (writes > 0 && turn % writes == 0)
                        await store.OpenSession().AppendAny(stream, FrameCoded.Sample).SaveChangesAsync(ct);
                    else
                        await store.FetchStreamAsync(stream, 1, ct);
                    times.Add(shell.Time.GetElapsedTime(at).TotalMilliseconds);
                }

                return times;
            }));
            var all = took.SelectMany(t => t).Order().ToArray();
            return (all.Length / shell.Time.GetElapsedTime(started).TotalSeconds, Latency.Percentile(all, 0.99));
        }
    }

    async Task FillAsync(int from, int to, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await using var command = source.CreateCommand($$"""
            insert into framelease_events.mt_streams (id, version, timestamp, created, is_archived)
            select 'scale-' || n, {{EventsPerStream}}, now(), now(), false from generate_series({{from}}, {{to - 1}}) as n;
            insert into framelease_events.mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, user_name, is_archived)
            select nextval('framelease_events.mt_events_sequence'), gen_random_uuid(), 'scale-' || n, v, '{{FrameCoded.Json}}', 'frame_coded',
              clock_timestamp(), '{{FrameCoded.DotNetType}}', 'bench', false
            from generate_series(1, {{EventsPerStream}}) as v, generate_series({{from}}, {{to - 1}}) as n;
            analyze framelease_events.mt_streams;
            analyze framelease_events.mt_events;
            checkpoint
            """);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}
