using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Sessions;

/// <summary>Sessions that share a transaction: each has its own outcome, as if it had been alone.</summary>
public sealed class GroupCommitTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Fact]
    public async Task Each_session_of_a_group_gets_what_it_would_have_got_alone()
    {
        var (taken, archived) = (await StreamAsync(1), await StreamAsync(1));
        await PostgresServer.ExecuteAsync(ConnectionString, $"update framelease_events.mt_streams set is_archived = true where id = '{archived}'");
        var (fresh, longer, continuing, any) = (NewStream(), await StreamAsync(2), await StreamAsync(2), NewStream());
        var before = await Store.LatestSequenceAsync(Ct);

        var (started, collided, wrong, closed, continued, forced) = await TogetherAsync(() => (
            Store.OpenSession(new("corr-1", "cause-1", "alice")).StartStream(fresh, new ParcelSorted(1), new ParcelSorted(2)).SaveChangesAsync(Ct),
            Refusal(Store.OpenSession().StartStream(taken, new ParcelSorted(1)).SaveChangesAsync(Ct)),
            Refusal(Store.OpenSession().Append(longer, 7, new ParcelSorted(1)).SaveChangesAsync(Ct)),
            Refusal(Store.OpenSession().AppendAny(archived, new ParcelSorted(1)).SaveChangesAsync(Ct)),
            Store.OpenSession(new(Actor: "bob")).Append(continuing, 2, new ParcelSorted(3)).SaveChangesAsync(Ct),
            Store.OpenSession(new(Actor: "carol", Headers: new Dictionary<string, string> { ["shift"] = "night" })).AppendAny(any, new ParcelSorted(4)).SaveChangesAsync(Ct)));

        (await started).VersionOf(fresh).ShouldBe(2);
        (await collided).ShouldBeOfType<ExistingStreamIdCollisionException>().Actual.ShouldBe(1);
        var refusal = (await wrong).ShouldBeOfType<EventStreamUnexpectedMaxEventIdException>();
        (refusal.Stream, refusal.Expected, refusal.Actual).ShouldBe((longer, 7, 2));
        (await closed).ShouldBeOfType<InvalidStreamOperationException>().Stream.ShouldBe(archived);
        (await continued).VersionOf(continuing).ShouldBe(3);
        (await forced).VersionOf(any).ShouldBe(1);

        var written = (await Store.ReadAllAsync(before, 100, null, Ct)).Events.Where(e => !e.Stream.StartsWith("blocked", StringComparison.Ordinal)).ToList();
        written.Count.ShouldBe(4, "losers write nothing");
        var first = (await Store.FetchStreamAsync(fresh, 1, Ct)).Events;
        first.Select(e => e.Sequence).ShouldBe((await started).Streams[0].Sequences);
        first.ShouldAllBe(e => e.CorrelationId == "corr-1" && e.CausationId == "cause-1" && e.Actor == "alice");
        (await Store.FetchStreamAsync(any, 1, Ct)).Events[0].Headers["shift"].ShouldBe("night");
    }

    [Fact]
    public async Task Sessions_of_one_stream_follow_each_other_in_the_order_in_which_they_came()
    {
        var stream = NewStream();

        var commits = await TogetherAsync(() => Enumerable.Range(0, 20)
            .Select(n => Store.OpenSession().AppendAny(stream, new ParcelSorted(n)).SaveChangesAsync(Ct)).ToList());

        (await Task.WhenAll(commits)).Select(c => c.VersionOf(stream)).Order().ShouldBe(Enumerable.Range(1, 20).Select(n => (long)n));
        (await Store.FetchStreamAsync(stream, 1, Ct)).Events.Select(e => e.Version).ShouldBe(Enumerable.Range(1, 20).Select(n => (long)n));
    }

    [Fact]
    public async Task Refused_sessions_of_a_group_draw_no_sequence_number()
    {
        var stream = await StreamAsync(1);
        var before = await Store.LatestSequenceAsync(Ct);

        var refusals = await TogetherAsync(() => Enumerable.Range(0, 10)
            .Select(n => Refusal(Store.OpenSession().Append(stream, 5 + n, new ParcelSorted(n)).SaveChangesAsync(Ct))).ToList());

        (await Task.WhenAll(refusals)).ShouldAllBe(e => e is EventStreamUnexpectedMaxEventIdException);
        (await Store.LatestSequenceAsync(Ct)).ShouldBe(before + 2 * Lanes, "only what TogetherAsync itself wrote");
    }

    [Fact]
    public async Task What_PostgreSQL_cannot_hold_fails_alone_and_takes_nobody_with_it()
    {
        var streams = Enumerable.Range(0, 10).Select(_ => NewStream()).ToList();
        var bad = NewStream();

        var (good, refused) = await TogetherAsync(() => (
            streams.Select(s => Store.OpenSession().StartStream(s, new ParcelHandedOver("neighbour")).SaveChangesAsync(Ct)).ToList(),
            Refusal(Store.OpenSession().StartStream(bad, new ParcelHandedOver("nobody\0")).SaveChangesAsync(Ct))));

        (await refused).ShouldBeOfType<EventSerializationException>();
        await Task.WhenAll(good);
        foreach (var stream in streams)
            (await Store.FetchStreamAsync(stream, 1, Ct)).Events.Count.ShouldBe(1);
        (await Store.FetchStreamAsync(bad, 1, Ct)).Version.ShouldBe(0);
    }

    [Fact]
    public async Task A_session_that_is_cancelled_while_it_waits_writes_nothing()
    {
        var stream = NewStream();
        using var cancel = new CancellationTokenSource();

        var session = await TogetherAsync(() =>
        {
            var waiting = Store.OpenSession().StartStream(stream, new ParcelSorted(1)).SaveChangesAsync(cancel.Token);
            cancel.Cancel();
            return waiting;
        });

        await Should.ThrowAsync<OperationCanceledException>(session);
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(0);
    }

    [Fact]
    public async Task A_store_that_is_closed_under_a_group_leaves_nobody_waiting()
    {
        var sessions = await TogetherAsync(() =>
        {
            var waiting = Enumerable.Range(0, 5).Select(_ => Store.OpenSession().StartStream(NewStream(), new ParcelSorted(1)).SaveChangesAsync(Ct)).ToList();
            Store.DataSource.Dispose();
            return waiting;
        });

        foreach (var session in sessions)
            await Should.ThrowAsync<ObjectDisposedException>(() => session.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>Sessions that a row lock holds up, one for each lane; with both lanes taken, whoever comes forms a group.</summary>
    const int Lanes = 2;

    async Task<T> TogetherAsync<T>(Func<T> save)
    {
        var blocked = Enumerable.Range(0, Lanes).Select(_ => $"blocked-{NewStream()}").ToList();
        foreach (var stream in blocked)
            await Store.OpenSession().StartStream(stream, new ParcelSorted(0)).SaveChangesAsync(Ct);
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using (var command = new NpgsqlCommand("select 1 from framelease_events.mt_streams where starts_with(id, 'blocked-') for update", connection, transaction))
            await command.ExecuteNonQueryAsync(Ct);
        var holders = new List<Task>();
        foreach (var stream in blocked)
        {
            holders.Add(Store.OpenSession().Append(stream, 1, new ParcelSorted(1)).SaveChangesAsync(Ct));
            // Two in one group would leave a lane open.
            while (await PostgresServer.ScalarAsync<long>(
                ConnectionString, "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%append%'") < holders.Count)
                await Task.Yield();
        }

        var saved = save();
        await transaction.CommitAsync(Ct);
        await Task.WhenAll(holders);
        return saved;
    }

    async Task<string> StreamAsync(int version)
    {
        var stream = NewStream();
        await Store.OpenSession().StartStream(stream, [.. Enumerable.Range(0, version).Select(n => (object)new ParcelSorted(n))]).SaveChangesAsync(Ct);
        return stream;
    }

    static async Task<Exception?> Refusal(Task<CommitResult> saving)
    {
        try
        {
            await saving;
            return null;
        }
        catch (EventStoreException e)
        {
            return e;
        }
    }
}
