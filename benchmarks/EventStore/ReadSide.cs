using System.Text.Json;
using Framelease.EventStore;
using Npgsql;

namespace Framelease.Benchmarks.EventStore;

/// <summary>What is read: views behind the log, a view made anew, streams. In a database of its own, so that no other figure finds its
/// rows.</summary>
sealed class ReadSide(string connection, Cli.Shell shell, bool quick, ReadSide.Adding add)
{
    public delegate void Adding(string name, double value, string unit, string goal, bool? met, double? rival = null, double? ratio = null);

    const int EventsPerStream = 100, Loaders = 8;

    readonly long _events = quick ? 200_000 : 10_000_000;

    public async Task RunAsync(CancellationToken ct)
    {
        var registry = new EventRegistry().Register<FrameCoded>("frame_coded");
        await using var store = new PostgresEventStore(
            new EventStoreOptions
            {
                ConnectionString = connection, NewId = shell.NewId, Projections = new ProjectionSet { Inline = [FrameView.Projection] },
            },
            registry, shell.Time);
        await store.MigrateAsync(ct, FrameView.Schema);
        await FillAsync(ct);
        await RebuildAsync(store, ct);
        await LoadAsync(store, ct);
        await InlineAsync(store, ct);
        store.DataSource.Clear();
        await LatencyAsync(ct);
    }

    async Task FillAsync(CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connection);
        await ExecuteAsync(source, $$"""
            insert into framelease_events.mt_streams (id, version, timestamp, created, is_archived)
            select 'filled-' || n, {{EventsPerStream}}, now(), now(), false from generate_series(1, {{_events / EventsPerStream}}) as n;
            insert into framelease_events.mt_events
              (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, user_name, is_archived)
            select nextval('framelease_events.mt_events_sequence'), gen_random_uuid(), 'filled-' || n, v, '{{FrameCoded.Json}}',
              'frame_coded', clock_timestamp(), '{{FrameCoded.DotNetType}}', 'bench', false
            from generate_series(1, {{_events / EventsPerStream}}) as n, generate_series(1, {{EventsPerStream}}) as v;
            """, ct);
        await ExecuteAsync(source, "vacuum (analyze) framelease_events.mt_events, framelease_events.mt_streams", ct);
        await ExecuteAsync(source, "checkpoint", ct);
        await using var size = source.CreateCommand("""
            select (pg_total_relation_size('framelease_events.mt_events') + pg_total_relation_size('framelease_events.mt_streams'))::float8
              / (select count(*) from framelease_events.mt_events)
            """);
        var bytes = (double)(await size.ExecuteScalarAsync(ct))!;
        add("bytes-per-event", bytes, "bytes", "<= 700 with indexes, 150 of them data", bytes <= 700);
    }

    static async Task ExecuteAsync(NpgsqlDataSource source, string sql, CancellationToken ct)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }

    async Task RebuildAsync(PostgresEventStore store, CancellationToken ct)
    {
        var peak = 0L;
        var result = await new ProjectionRebuild(store)
            .RunAsync("frames", RebuildMode.Swap, new Sampling(() => peak = Math.Max(peak, Environment.WorkingSet)), ct);
        var rate = result.Events / result.Elapsed.TotalSeconds;
        add("rebuild", rate, "events/s", ">= 50000", rate >= 50_000);
        var mebibytes = peak / 1048576.0;
        add("rebuild-memory", mebibytes, "MiB", "<= 200, the benchmark's own included", mebibytes <= 200);
    }

    sealed class Sampling(Action sample) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => sample();
    }

    /// <summary>Beside the same SELECT as Marten sends, read and parsed by hand.</summary>
    async Task LoadAsync(PostgresEventStore store, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(
            $"{connection};Maximum Pool Size={Loaders};Max Auto Prepare=10;Auto Prepare Min Usages=2");
        var duration = TimeSpan.FromSeconds(quick ? 1 : 5);
        var streams = (int)(_events / EventsPerStream);
        await MeasureAsync(TimeSpan.FromSeconds(0.3), ByHandAsync);
        await MeasureAsync(TimeSpan.FromSeconds(0.3), OursAsync);
        var (byHand, byHandP99) = await MeasureAsync(duration, ByHandAsync);
        var (own, p99) = await MeasureAsync(duration, OursAsync);
        add("load-100-events", own, "streams/s", "no slower than 0.9 of the SELECT by hand", own / byHand >= 0.9, byHand, own / byHand);
        add("load-100-events-p99", p99, "ms", "<= 1.2 of the SELECT by hand", p99 / byHandP99 <= 1.2, byHandP99, p99 / byHandP99);

        async Task OursAsync(string stream) => await store.FetchStreamAsync(stream, 1, ct);

        async Task ByHandAsync(string stream)
        {
            await using var command = source.CreateCommand("""
                select d.data, d.type, d.mt_dotnet_type, d.bdata, d.seq_id, d.id, d.stream_id, d.version, d.timestamp, d.tenant_id,
                    d.correlation_id,
                  d.causation_id, d.headers, d.user_name, d.is_archived
                from framelease_events.mt_events as d where d.is_archived = FALSE and d.stream_id = $1 order by d.seq_id
                """);
            command.Parameters.Add(new NpgsqlParameter { Value = stream });
            await using var reader = await command.ExecuteReaderAsync(ct);
            var events = new List<(FrameCoded, string, long, Guid, string, long, DateTime, string?)>();
            while (await reader.ReadAsync(ct))
                events.Add((
                    JsonSerializer.Deserialize<FrameCoded>(reader.GetFieldValue<byte[]>(0), JsonSerializerOptions.Web)!,
                        reader.GetString(1), reader.GetInt64(4),
                    reader.GetGuid(5), reader.GetString(6), reader.GetInt64(7), reader.GetDateTime(8),
                        reader.IsDBNull(13) ? null : reader.GetString(13)));
        }

        async Task<(double Rate, double P99)> MeasureAsync(TimeSpan forSo, Func<string, Task> load)
        {
            var started = shell.Time.GetTimestamp();
            var took = await Task.WhenAll(Enumerable.Range(0, Loaders).Select(async loader =>
            {
                await Task.Yield();
                var times = new List<double>();
                for (var n = loader; shell.Time.GetElapsedTime(started) < forSo; n += 7919)
                {
                    var at = shell.Time.GetTimestamp();
                    await load($"filled-{(n % streams) + 1}");
                    times.Add(shell.Time.GetElapsedTime(at).TotalMilliseconds);
                }

                return times;
            }));
            var all = took.SelectMany(t => t).Order().ToArray();
            return (all.Length / shell.Time.GetElapsedTime(started).TotalSeconds, Latency.Percentile(all, 0.99));
        }
    }

    /// <summary>Append, view and commit, eight writers, in turns.</summary>
    async Task InlineAsync(PostgresEventStore store, CancellationToken ct)
    {
        await using var function = new RivalStore(connection, shell.NewId);
        await function.CreateAsync(ct);
        await using var rival = new RivalView(connection, shell.NewId);
        await rival.CreateAsync(ct);
        var duration = TimeSpan.FromSeconds(quick ? 1 : 5);
        var (theirs, own) = (0.0, 0.0);
        for (var round = 0; round < 2; round++)
        {
            theirs = Math.Max(
                theirs, await Load.RunAsync(8, duration, $"inline-rival-{round}", (s, v) => rival.AppendAsync(s, v, ct), 1, shell.Time));
            own = Math.Max(own, await Load.RunAsync(
                8, duration, $"inline-{round}",
                (s, v) => store.OpenSession(new SessionMetadata(Actor: "bench")).Append(s, v, FrameCoded.Sample).SaveChangesAsync(ct), 1,
                    shell.Time));
        }

        add("append-inline-view-writers-8", own, "appends/s", "no slower than the rival", own >= theirs, theirs, own / theirs);
    }

    async Task LatencyAsync(CancellationToken ct)
    {
        var latency = new Latency(connection, shell.NewId, shell.Time);
        var (polling, duration) = (TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(quick ? 2 : 15));
        foreach (var (name, rate, limit) in new[] { ("idle", 25.0, 50.0), ("2000-appends", 2000.0, 250.0) })
        {
            await latency.RunAsync("warming", rate, TimeSpan.FromSeconds(0.5), null, ct);
            var (theirs, _) = await latency.RunAsync("polling", rate, duration, polling, ct);
            var (own, reached) = await latency.RunAsync("woken", rate, duration, null, ct);
            if (reached < rate * 0.95)
                shell.Console.Error.WriteLine($"view-visible-{name}: the writers reached {reached:0} of {rate:0} appends/s");
            add($"view-visible-{name}-p99", own, "ms", $"<= {limit}", own <= limit, theirs, own / theirs);
        }
    }
}
