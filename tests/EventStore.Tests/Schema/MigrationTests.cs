using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Schema;

[Collection(PostgresServer.Collection)]
public sealed class MigrationTests(PostgresServer server) : IAsyncLifetime
{
    readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(5));
    readonly List<PostgresEventStore> _stores = [];
    string _connectionString = "";

    CancellationToken Ct => _limit.Token;

    static SchemaScripts Scripts(string set) => SchemaScripts.FromAssembly(typeof(MigrationTests).Assembly, set) with { Component = "depots" };

    public async Task InitializeAsync() => _connectionString = await server.CreateDatabaseAsync();

    public async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        _limit.Dispose();
    }

    PostgresEventStore Open()
    {
        _stores.Add(new(new() { ConnectionString = _connectionString, NewId = Guid.CreateVersion7 }, Parcels.Registry(), TimeProvider.System));
        return _stores[^1];
    }

    Task<T> ScalarAsync<T>(string sql) => PostgresServer.ScalarAsync<T>(_connectionString, sql);

    [Fact]
    public async Task Many_that_start_at_once_update_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Open().MigrateAsync(Ct, Scripts("first"))));
        (await ScalarAsync<long>("select count(*) from framelease.schema_updates where component = 'depots'")).ShouldBe(1);
        (await ScalarAsync<DateTime>("select max(applied_at) from framelease.schema_updates")).ShouldBe(
            await Again(async () => { await Open().MigrateAsync(Ct, Scripts("first")); return await ScalarAsync<DateTime>("select max(applied_at) from framelease.schema_updates"); }));

        static Task<T> Again<T>(Func<Task<T>> work) => work();
    }

    [Fact]
    public async Task Another_assemblys_updates_go_on_from_where_they_are_and_its_tables_are_the_applications()
    {
        var store = Open();
        await store.MigrateAsync(Ct, Scripts("first"));
        await PostgresServer.ExecuteAsync(_connectionString, "insert into framelease.depots values (1)");
        await store.MigrateAsync(Ct, Scripts("second"));
        (await store.ScalarAsync<string>("select name from framelease.depots", Ct)).ShouldBe("unnamed");
        (await store.ScalarAsync<long>("select framelease.depot_count()", Ct)).ShouldBe(1);
    }

    [Fact]
    public async Task A_program_of_the_version_before_works_on_the_newer_schema_and_changes_nothing()
    {
        await Open().MigrateAsync(Ct, Scripts("second"));
        var older = Open();
        await older.MigrateAsync(Ct, Scripts("first"));
        await older.OpenSession().Append("s", 0, new ParcelSorted(1)).Write(new("insert into framelease.depots (id) values (7)")).SaveChangesAsync(Ct);
        (await older.ScalarAsync<long>("select framelease.depot_count()", Ct)).ShouldBe(1);
    }

    [Fact]
    public async Task An_applied_update_that_has_another_text_now_is_refused()
    {
        await Open().MigrateAsync(Ct, Scripts("first"));
        (await Should.ThrowAsync<EventStoreSchemaException>(() => Open().MigrateAsync(Ct, Scripts("changed")))).Message.ShouldContain("Applied updates never change");
    }

    [Fact]
    public async Task An_update_that_fails_leaves_nothing_behind()
    {
        (await Should.ThrowAsync<EventStoreSchemaException>(() => Open().MigrateAsync(Ct, Scripts("broken")))).Message.ShouldContain("nothing was changed");
        (await ScalarAsync<bool>("select to_regnamespace('framelease') is null and to_regnamespace('framelease_events') is null")).ShouldBeTrue();
    }

    [Fact]
    public async Task A_schema_of_another_program_is_left_alone()
    {
        await PostgresServer.ExecuteAsync(_connectionString, "create schema framelease_events; create table framelease_events.mt_events (x int)");
        (await Should.ThrowAsync<EventStoreSchemaException>(() => Open().MigrateAsync(Ct))).Message.ShouldContain("another program");
    }

    [Fact]
    public void Scripts_that_are_not_there_are_named() =>
        Should.Throw<ArgumentException>(() => SchemaScripts.FromAssembly(typeof(MigrationTests).Assembly, "third")).Message.ShouldContain("third/Updates/");
}
