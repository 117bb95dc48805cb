using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Sessions;

public sealed class GuardAndWriteTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await ExecuteAsync("""
            create table if not exists framelease.chutes (n int primary key, parcel text, changes bigint not null default 0);
            grant select, insert, update, delete on framelease.chutes to framelease_app;
            delete from framelease.chutes
            """);
    }

    [Fact]
    public async Task A_guard_that_raises_refuses_everything_with_its_code()
    {
        await ExecuteAsync("insert into framelease.chutes values (1, 'other')");
        var stream = NewStream();
        var refusal = await Should.ThrowAsync<GuardFailedException>(() => Store.OpenSession()
            .Guard(Sql("select framelease.raise('ChuteTaken', 'chute 1 holds ' || parcel) from framelease.chutes where n = $1 and parcel is not null", 1))
            .Append(stream, 0, new ParcelSorted(1))
            .Write(Sql("update framelease.chutes set changes = 99"))
            .SaveChangesAsync(Ct));
        (refusal.Code, refusal.Message, refusal.IsTransient).ShouldBe(("ChuteTaken", "chute 1 holds other", false));
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(0);
        (await ScalarAsync<long>("select changes from framelease.chutes")).ShouldBe(0);
    }

    [Fact]
    public async Task A_guard_may_name_a_SQLSTATE_of_its_own_class()
    {
        var refusal = await Should.ThrowAsync<GuardFailedException>(
            () => Store.OpenSession().Guard(Sql("select framelease.raise('FL123', 'no')")).SaveChangesAsync(Ct));
        refusal.Code.ShouldBe("FL123");
    }

    [Fact]
    public async Task A_requirement_passes_only_when_it_is_true()
    {
        await Store.OpenSession().Guard(Sql("select framelease.require(true, 'Never', '')")).SaveChangesAsync(Ct);
        (await Should.ThrowAsync<GuardFailedException>(
            () => Store.OpenSession().Guard(Sql("select framelease.require(null, 'Missing', 'nothing there')")).SaveChangesAsync(Ct))).Code.ShouldBe("Missing");
    }

    [Fact]
    public async Task Writes_and_queries_run_after_the_appends_in_their_order_and_queries_give_their_rows()
    {
        var stream = NewStream();
        var session = Store.OpenSession().Write(Sql("insert into framelease.chutes (n, parcel) values (5, 'a'), (6, 'b')"));
        var changed = session.Query(Sql("update framelease.chutes set changes = changes + 1 where n = 5 returning changes"), r => r.GetInt64(0));
        session.Write(Sql("select 1 where false"));
        var version = session.Query(Sql("select version from framelease_events.mt_streams where id = $1", stream), r => r.GetInt64(0));
        var none = session.Query(Sql("select 1 where false"), r => r.GetInt32(0));
        Should.Throw<InvalidOperationException>(() => changed.Rows);
        await session.Guard(Sql("select 1")).Append(stream, 0, new ParcelSorted(5)).SaveChangesAsync(Ct);

        changed.Rows.ShouldBe([1]);
        version.Rows.ShouldBe([1]);
        none.Rows.ShouldBeEmpty();
        (await ScalarAsync<long>("select count(*) from framelease.chutes")).ShouldBe(2);
    }

    [Fact]
    public async Task A_mapping_mistake_is_thrown_at_the_rows_because_the_session_is_committed()
    {
        var stream = NewStream();
        var session = Store.OpenSession();
        var wrong = session.Query<int>(Sql("select 'text'"), _ => throw new InvalidCastException("boom"));
        await session.Append(stream, 0, new ParcelSorted(5)).SaveChangesAsync(Ct);
        Should.Throw<InvalidOperationException>(() => wrong.Rows).Message.ShouldContain("boom");
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_broken_constraint_of_a_view_takes_the_events_with_it_and_keeps_its_SQLSTATE()
    {
        await ExecuteAsync("insert into framelease.chutes values (1, 'x')");
        var stream = NewStream();
        var refusal = await Should.ThrowAsync<EventStoreDatabaseException>(() => Store.OpenSession()
            .Append(stream, 0, new ParcelSorted(1)).Write(Sql("insert into framelease.chutes values (1, 'y')")).SaveChangesAsync(Ct));
        refusal.SqlState.ShouldBe("23505");
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(0);
    }

    [Fact]
    public async Task Sessions_that_deadlock_on_rows_of_their_own_are_repeated_and_both_succeed()
    {
        await ExecuteAsync("insert into framelease.chutes values (1, 'x'), (2, 'y')");
        await ExecuteAsync("alter database " + Database + " set deadlock_timeout = '50ms'");
        var store = Open();
        await Task.WhenAll(
            store.OpenSession().Write(Sql("update framelease.chutes set changes = changes + 1 where n = 1")).Write(Sql("select pg_sleep(0.2)"))
                .Write(Sql("update framelease.chutes set changes = changes + 1 where n = 2")).SaveChangesAsync(Ct),
            store.OpenSession().Write(Sql("update framelease.chutes set changes = changes + 1 where n = 2")).Write(Sql("select pg_sleep(0.2)"))
                .Write(Sql("update framelease.chutes set changes = changes + 1 where n = 1")).SaveChangesAsync(Ct));
        (await ScalarAsync<decimal>("select sum(changes) from framelease.chutes")).ShouldBe(4);
    }

    [Fact]
    public async Task A_cancelled_session_commits_nothing()
    {
        var stream = NewStream();
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var saving = Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).Write(Sql("select pg_sleep(20)")).SaveChangesAsync(soon.Token);
        await EventuallyAsync(() => ScalarAsync<bool>("select exists (select from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid())"));
        await soon.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => saving);
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(0);
    }

    string Database => new Npgsql.NpgsqlConnectionStringBuilder(ConnectionString).Database!;
}
