// 32 writers on 8 streams with random expected versions, while connections are dropped and PostgreSQL is killed and started again at
// random. The invariants:  1. every acknowledged append is in the log once, whole, at the versions and positions that the acknowledgement
// named;  2. an append that was not acknowledged is there whole or not at all; versions are dense, positions rise with them;  3. an inline
// view, an asynchronous one of several replicas, and a subscription have each event, the views exactly once. FRAMELEASE_SOAK=1 makes it
// 200,000 appends; FRAMELEASE_SEED repeats a run's chances.
using System.Diagnostics;
using System.Globalization;
using Framelease.EventStore.Tests.Support;
using Npgsql;
using Xunit.Abstractions;

namespace Framelease.EventStore.Tests.Projections;

public sealed class KilledServerTests(PostgresServer server, TestDatabase database, ITestOutputHelper output) : DaemonTests(
    server, database)
{
    const int Writers = 32, Streams = 8;

    static readonly bool IsSoak = Environment.GetEnvironmentVariable("FRAMELEASE_SOAK") == "1";

    static readonly ViewTable Marks = new("mark_view");

    /// <summary>Each append's mark, with how many of its events were seen: more than it has would show a batch applied twice.</summary>
    static Projection MarkView(string name, ViewTable table) => new()
    {
        Name = name,
        Events = ["parcel_handed_over"],
        Tables = [table],
        Project = (events, view) =>
        {
            var marks = events.GroupBy(e => ((ParcelHandedOver)e.Data).To, StringComparer.Ordinal).ToList();
            view.Execute($"""
                insert into {table} as v (mark, events, last_sequence)
                select * from unnest({marks.Select(g => g.Key).ToArray()}, {marks.Select(g => g.Count()).ToArray()},
                  {marks.Select(g => g.Last().Sequence).ToArray()})
                on conflict (mark) do update set events = v.events + excluded.events, last_sequence = excluded.last_sequence
                """);
        },
    };

    readonly int _appends = IsSoak ? 200_000 : 20_000;
    int _done;
    int _restarts;
    long _dropped;

    sealed record Acknowledged(string Mark, StreamCommit Commit, int Count);

    [Fact]
    public async Task Whatever_dies_every_acknowledged_append_is_there_once_and_in_every_view_once()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("FRAMELEASE_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given
            : Environment.TickCount;
        output.WriteLine($"seed {seed}, {_appends} appends");
        foreach (var table in new[] { "mark_view", "inline_mark_view" })
            await ExecuteAsync($"""
                create table framelease.{table} (mark varchar primary key, events int not null, last_sequence bigint not null);
                grant select, insert, update, delete on framelease.{table} to framelease_app
                """);
        var streams = Enumerable.Range(0, Streams).Select(i => $"busy-{i}").ToArray();
        var store = Open(change: o => o with
        {
            // a busy machine makes connections slowly: an outcome may take long to find
            OutcomeSearch = TimeSpan.FromMinutes(2),
            Projections = new() { Inline = [MarkView("inline_marks", new("inline_mark_view"))] },
        });
        var plain = Open(change: o => o with { OutcomeSearch = TimeSpan.FromMinutes(2) });
        var seen = new HashSet<long>();
        var subscription = new Subscription
        {
            Name = "marks_seen",
            Handle = (events, _) =>
            {
                lock (seen)
                    foreach (var e in events) seen.Add(e.Sequence);
                return Task.CompletedTask;
            },
        };
        var daemons = Enumerable.Range(0, 2).Select(_ => Start(OpenWith(MarkView("marks", Marks)), null, subscription)).ToList();

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var killing = KillAsync(new Random(seed), stop.Token);
        var results = await Task.WhenAll(Enumerable.Range(0, Writers).Select(
            w => WriteAsync(w % 4 == 0 ? store : plain, w, new Random(seed + w + 1), streams)));
        await stop.CancelAsync();
        await killing;
        var acknowledged = results.SelectMany(r => r.Acknowledged).ToList();
        output.WriteLine(
            $"{acknowledged.Count} acknowledged, {results.Sum(r => r.Conflicts)} conflicts, {results.Sum(r => r.Unknown)} unknown and "
            + $"{results.Sum(r => r.Repeats)} found by command id, {_dropped} connections dropped, {_restarts} restarts");
        _restarts.ShouldBeGreaterThan(0, $"seed {seed}");

        // 1 and 2
        var log = new Dictionary<string, List<(string Stream, long Version, long Sequence)>>(StringComparer.Ordinal);
        var count = 0L;
        foreach (var stream in streams)
        {
            var slice = await Store.FetchStreamAsync(stream, 1, Ct);
            slice.Events.Select(e => e.Version).ShouldBe(Enumerable.Range(1, slice.Events.Count).Select(i => (long)i), $"seed {seed}");
            slice.Events.Zip(slice.Events.Skip(1)).ShouldAllBe(pair => pair.First.Sequence < pair.Second.Sequence, $"seed {seed}");
            (await Store.FetchStreamStateAsync(stream, Ct))!.Version.ShouldBe(slice.Version);
            foreach (var e in slice.Events)
            {
                var mark = ((ParcelHandedOver)e.Data).To;
                if (!log.TryGetValue(mark, out var found)) log.Add(mark, found = []);
                found.Add((e.Stream, e.Version, e.Sequence));
                count++;
            }
        }

        foreach (var (mark, commit, events) in acknowledged)
        {
            var found = log[mark];
            found.Select(e => (e.Stream, e.Sequence))
                .ShouldBe(commit.Sequences.Select(s => (commit.Stream, s)), $"append {mark}, seed {seed}");
            (found[^1].Version, found.Count).ShouldBe((commit.Version, events), $"append {mark}, seed {seed}");
        }

        foreach (var (mark, found) in log) found.Count.ShouldBe(
            int.Parse(mark.Split('/')[2], CultureInfo.InvariantCulture), $"append {mark}, seed {seed}");

        // 3
        foreach (var daemon in daemons) await daemon.CatchUpAsync(Ct);
        (await ScalarAsync<string>("select format('%s %s', count(*), sum(events)) from framelease.mark_view"))
            .ShouldBe($"{log.Count} {count}", $"seed {seed}");
        var rebuild = new ProjectionRebuild(OpenWith(MarkView("marks", Marks)));
        (await rebuild.RunAsync("marks", RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue($"seed {seed}");
        // only every fourth writer's program has the inline view
        (await ScalarAsync<bool>("""
            select bool_and(v.events = split_part(v.mark, '/', 3)::int) and count(*) = (
              select count(distinct e.data->>'to') from framelease_events.mt_events as e where split_part(
                  e.data->>'to', '/', 1)::int % 4 = 0)
            from framelease.inline_mark_view as v
            """)).ShouldBeTrue($"seed {seed}");
        lock (seen) seen.SetEquals(log.Values.SelectMany(f => f).Select(e => e.Sequence)).ShouldBeTrue($"seed {seed}");
    }

    sealed record Result(List<Acknowledged> Acknowledged, int Conflicts, int Unknown, int Repeats);

    async Task<Result> WriteAsync(PostgresEventStore store, int writer, Random random, string[] streams)
    {
        await Task.Yield();
        var (acknowledged, conflicts, unknown, repeats) = (new List<Acknowledged>(), 0, 0, 0);
        var versions = streams.ToDictionary(s => s, _ => 0L, StringComparer.Ordinal);
        for (var n = 0; Interlocked.Increment(ref _done) <= _appends; n++)
        {
            var stream = streams[random.Next(streams.Length)];
            var count = random.Next(1, 4);
            var mark = $"{writer}/{n}/{count}";
            var session = store.OpenSession();
            var events = Enumerable.Repeat((object)new ParcelHandedOver(mark), count).ToList();
            if (random.Next(2) == 0) session.AppendAny(stream, events);
            // what it last heard of, sometimes plainly wrong
            else session.Append(stream, Math.Max(0, versions[stream] + random.Next(-1, 2)), events);
            if (random.Next(2) == 0) session.CommandId = mark;
            try
            {
                var result = await session.SaveChangesAsync(Ct);
                acknowledged.Add(new(mark, result.Streams[0], count));
                versions[stream] = result.VersionOf(stream);
                if (result.IsRepeat) repeats++;
            }
            catch (EventStreamUnexpectedMaxEventIdException e)
            {
                conflicts++;
                versions[stream] = e.Actual;
            }
            catch (CommitOutcomeUnknownException)
            {
                unknown++;
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                // the server is away: a moment, so that all writers do not spend their appends on it
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5, 40)), TimeProvider.System, Ct);
            }
        }

        return new(acknowledged, conflicts, unknown, repeats);
    }

    /// <summary>By the number of appends, so that a run has as many on a slow machine as on a fast one.</summary>
    async Task KillAsync(Random random, CancellationToken stop)
    {
        var (kills, restarts) = IsSoak ? (200, 20) : (30, 3);
        var next = _appends / (kills + restarts + 1);
        for (var at = next; at < _appends && !stop.IsCancellationRequested; at += next)
        {
            while (Volatile.Read(ref _done) < at && !stop.IsCancellationRequested)
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
            if (at / next % (kills / restarts) == 5) await RestartAsync();
            else await DropAsync(random);
        }
    }

    async Task RestartAsync()
    {
        Process.GetProcessById(Server.ProcessId).Kill();
        await Server.StartAsync();
        _restarts++;
    }

    async Task DropAsync(Random random)
    {
        try
        {
            _dropped += await ScalarAsync<long>($"""
                select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid() order by md5(
                      pid::text || '{random.Next()}') limit 3) as victims
                """);
        }
        catch (NpgsqlException)
        {
            // it was itself a victim of the restart
        }
    }
}
