using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Sessions;

public sealed class CommandIdTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    IEventSession Command(string id, string stream, PostgresEventStore? store = null)
    {
        var session = (store ?? Store).OpenSession().Append(stream, 0, new ParcelSorted(1), new ParcelSorted(2));
        session.CommandId = id;
        return session;
    }

    [Fact]
    public async Task A_repeated_command_commits_nothing_and_gets_the_first_result()
    {
        var (id, stream) = (NewStream("command"), NewStream());
        var first = await Command(id, stream).SaveChangesAsync(Ct);
        var session = Command(id, stream);
        var rows = session.Query(Sql("select 1"), r => r.GetInt32(0));
        var again = await session.SaveChangesAsync(Ct);

        again.IsRepeat.ShouldBeTrue();
        again.VersionOf(stream).ShouldBe(first.VersionOf(stream));
        again.Streams[0].Sequences.ShouldBe(first.Streams[0].Sequences);
        again.Timestamp.ShouldBe(first.Timestamp);
        rows.Rows.ShouldBeEmpty();
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(2);
    }

    [Fact]
    public async Task A_refused_command_may_be_repeated_with_success()
    {
        var (id, stream) = (NewStream("command"), NewStream());
        var refused = Command(id, stream).Guard(Sql("select framelease.raise('NotYet', 'wait')"));
        await Should.ThrowAsync<GuardFailedException>(() => refused.SaveChangesAsync(Ct));
        (await Command(id, stream).SaveChangesAsync(Ct)).IsRepeat.ShouldBeFalse();
    }

    [Fact]
    public async Task Of_twins_at_the_same_moment_one_commits_and_the_other_gets_its_result()
    {
        var (id, stream) = (NewStream("command"), NewStream());
        var results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Command(id, stream).SaveChangesAsync(Ct)));
        results.Count(r => !r.IsRepeat).ShouldBe(1);
        results.Select(r => r.LastSequence).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task When_the_answer_of_a_commit_is_lost_the_session_finds_out_that_it_was_committed()
    {
        await using var relay = new AnswerLosingRelay(ConnectionString);
        var store = Open(change: o => o with { ConnectionString = relay.ConnectionString, UseNotify = false });
        await store.NowAsync(Ct);
        relay.LoseNextAnswer();
        var stream = NewStream();
        var result = await Command(NewStream("command"), stream, store).SaveChangesAsync(Ct);
        relay.Lost.ShouldBe(1);
        result.IsRepeat.ShouldBeTrue();
        result.VersionOf(stream).ShouldBe(2);
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(2);
    }

    [Fact]
    public async Task Without_a_command_id_a_lost_answer_is_told_as_unknown_and_not_as_transient()
    {
        await using var relay = new AnswerLosingRelay(ConnectionString);
        var store = Open(change: o => o with { ConnectionString = relay.ConnectionString, UseNotify = false });
        await store.NowAsync(Ct);
        relay.LoseNextAnswer();
        var stream = NewStream();
        var unknown = await Should.ThrowAsync<CommitOutcomeUnknownException>(
            () => store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct));
        unknown.IsTransient.ShouldBeFalse();
        // it was committed after all: who repeats blindly would be refused by the version
        await EventuallyAsync(async () => (await Store.FetchStreamAsync(stream, 1, Ct)).Version == 1);
    }

    [Fact]
    public async Task A_connection_that_is_killed_before_the_commit_is_seen_through_by_the_command_id()
    {
        await ExecuteAsync("create sequence once");
        // as the login itself: the application's role may not end connections
        var store = Open(change: o => o with { ApplicationRole = null });
        var (id, stream) = (NewStream("command"), NewStream());
        var result = await Command(id, stream, store)
            .Write(Sql("select case when nextval('once') = 1 then pg_terminate_backend(pg_backend_pid()) end")).SaveChangesAsync(Ct);
        result.IsRepeat.ShouldBeFalse();
        (await ScalarAsync<long>("select last_value from once")).ShouldBe(2);
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(2);
    }
}
