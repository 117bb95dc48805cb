using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Sessions;

public sealed class QueryTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Fact]
    public async Task A_statement_by_itself_gives_its_rows()
    {
        (await Store.QueryAsync(Sql("select n from generate_series(1, $1) n", 3), r => r.GetInt32(0), Ct)).ShouldBe([1, 2, 3]);
        (await Store.QueryAsync(Sql("select 1 where false"), r => r.GetInt32(0), Ct)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_connection_that_dies_under_it_is_replaced_once()
    {
        await ExecuteAsync("create sequence query_once");
        // as the login itself: the application's role may not end connections
        var store = Open(change: o => o with { ApplicationRole = null });
        (await store.QueryAsync(
            Sql("select case when nextval('query_once') = 1 then pg_terminate_backend(pg_backend_pid())::int else $1 end", 7), r => r.GetInt32(0), Ct))
            .ShouldBe([7]);

        await Should.ThrowAsync<EventStoreUnavailableException>(
            () => store.QueryAsync(Sql("select pg_terminate_backend(pg_backend_pid())"), r => r.GetBoolean(0), Ct));
    }

    [Fact]
    public async Task Refusals_carry_the_names_that_those_of_a_session_have()
    {
        (await Should.ThrowAsync<GuardFailedException>(
            () => Store.QueryAsync(Sql("select framelease.raise('ChuteTaken', 'chute 1')"), r => r.GetString(0), Ct))).Code.ShouldBe("ChuteTaken");
        await Should.ThrowAsync<EventSerializationException>(
            () => Store.QueryAsync(Sql("""select ('{' || $1)::jsonb""", "x"), r => r.GetString(0), Ct));
        (await Store.QueryAsync(Sql("select 1"), r => r.GetInt32(0), Ct)).ShouldBe([1]);
    }

    [Fact]
    public async Task A_row_that_the_caller_cannot_read_is_the_callers_error_and_leaves_the_store_usable()
    {
        await Should.ThrowAsync<InvalidCastException>(() => Store.QueryAsync(Sql("select null::int from generate_series(1, 3)"), r => r.GetInt32(0), Ct));
        (await Store.QueryAsync(Sql("select 1"), r => r.GetInt32(0), Ct)).ShouldBe([1]);
    }
}
