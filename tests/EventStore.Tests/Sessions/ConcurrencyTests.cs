// Writers against each other and against a hand that kills their connections. The invariants:
//  1. every acknowledged append is in the log once, at the versions and positions that the acknowledgement named;
//  2. no unacknowledged half: an append is there whole or not at all;
//  3. versions of a stream are 1, 2, 3, …, positions rise with them, and mt_streams agrees;
//  4. a reader that goes by positions sees every event exactly once, in order, while all this goes on.
using Framelease.EventStore.Tests.Support;
using Npgsql;
using Xunit.Abstractions;

namespace Framelease.EventStore.Tests.Sessions;

public sealed class ConcurrencyTests(PostgresServer server, TestDatabase database, ITestOutputHelper output) : StoreTests(server, database)
{
    const int Writers = 8, Streams = 3, AppendsPerWriter = 60, AttemptsPerKill = 12;

    int _attempts;
    long _killed;

    sealed record Acknowledged(string Mark, StreamCommit Commit, int Count);

    [Fact]
    public async Task Every_acknowledged_append_is_there_once_in_order_whatever_dies()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var streams = Enumerable.Range(0, Streams).Select(i => $"busy-{i}").ToArray();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        // a busy machine makes connections slowly: an outcome may take long to find
        var store = Open(change: o => o with { OutcomeSearch = TimeSpan.FromMinutes(2) });
        var reading = ReadAsync(stop.Token);

        var results = await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => WriteAsync(store, w, new Random(seed + w), streams)));
        await stop.CancelAsync();
        output.WriteLine($"killed {_killed} connections, {results.Sum(r => r.Conflicts)} conflicts, {results.Sum(r => r.Unknown)} unknown outcomes, "
            + $"{results.Sum(r => r.Repeats)} outcomes found by command id");

        _killed.ShouldBeGreaterThan(10);
        var acknowledged = results.SelectMany(r => r.Acknowledged).ToList();
        var slices = await Store.FetchStreamsAsync(streams, Ct);
        var log = slices.SelectMany(s => s.Events).ToList();
        foreach (var (mark, commit, count) in acknowledged)
        {
            var found = log.Where(e => ((ParcelHandedOver)e.Data).To == mark).ToList();
            found.Select(e => (e.Stream, e.Sequence)).ShouldBe(commit.Sequences.Select(s => (commit.Stream, s)), $"append {mark}, seed {seed}");
            found[^1].Version.ShouldBe(commit.Version);
            found.Count.ShouldBe(count);
        }
        foreach (var half in log.GroupBy(e => ((ParcelHandedOver)e.Data).To))
            half.Count().ShouldBe(int.Parse(half.Key.Split('/')[2]), $"append {half.Key}, seed {seed}");
        foreach (var slice in slices)
        {
            slice.Events.Select(e => e.Version).ShouldBe(Enumerable.Range(1, slice.Events.Count).Select(i => (long)i), $"seed {seed}");
            slice.Events.Select(e => e.Sequence).ShouldBe(slice.Events.Select(e => e.Sequence).Order());
            (await Store.FetchStreamStateAsync(slice.Stream, Ct))!.Version.ShouldBe(slice.Version);
        }

        var (seen, position) = await reading;
        for (EventPage page; ; position = page.Position)
        {
            page = await Store.ReadAllAsync(position, 1000, null, Ct);
            seen.AddRange(page.Events.Select(e => e.Sequence));
            if (!page.HasMore) break;
        }
        seen.ShouldBe([.. log.Select(e => e.Sequence).Order()], $"seed {seed}");
    }

    sealed record Result(List<Acknowledged> Acknowledged, int Conflicts, int Unknown, int Repeats);

    async Task<Result> WriteAsync(PostgresEventStore store, int writer, Random random, string[] streams)
    {
        var (acknowledged, conflicts, unknown, repeats) = (new List<Acknowledged>(), 0, 0, 0);
        var versions = streams.ToDictionary(s => s, _ => 0L);
        for (var n = 0; n < AppendsPerWriter; n++)
        {
            var stream = streams[random.Next(streams.Length)];
            var count = random.Next(1, 4);
            var mark = $"{writer}/{n}/{count}";
            if (Interlocked.Increment(ref _attempts) % AttemptsPerKill == 0) await KillAsync();
            var session = store.OpenSession();
            var events = Enumerable.Repeat((object)new ParcelHandedOver(mark), count).ToList();
            if (random.Next(4) == 0) session.AppendAny(stream, events);
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
                session.CommandId.ShouldBeNull();
                unknown++;
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                // refused before it was sent
            }
        }
        return new(acknowledged, conflicts, unknown, repeats);
    }

    /// <summary>By progress, not by time: on a slow machine as on a fast one every twelfth append or so loses its connection.</summary>
    async Task KillAsync() => Interlocked.Add(ref _killed, await ScalarAsync<long>("""
        select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity
          where datname = current_database() and application_name = 'framelease' order by state = 'active' desc, random() limit 1) as victim
        """));

    async Task<(List<long> Seen, long Position)> ReadAsync(CancellationToken stop)
    {
        var seen = new List<long>();
        var position = 0L;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var page = await Store.ReadAllAsync(position, 50, null, Ct);
                seen.AddRange(page.Events.Select(e => e.Sequence));
                position = page.Position;
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                // its connection was the victim
            }
        }
        return (seen, position);
    }
}
