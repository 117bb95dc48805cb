using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Schema;

[Collection(PostgresServer.Collection)]
public sealed class ServerChecksTests(PostgresServer server)
{
    static readonly ServerFacts Good = new(150_018, "15.18", false, false, "UTF8", 100, 3, -1, -1, false);

    static CancellationToken Ct => CancellationToken.None;

    [Fact]
    public void A_suitable_server_is_not_complained_about() => ServerChecks.Complaint(Good, 3, 32).ShouldBeNull();

    // what a server of the version installed here cannot be made to say
    [Fact]
    public void A_server_that_is_too_old_or_a_standby_is_refused_with_what_to_do()
    {
        ServerChecks.Complaint(Good with { VersionNumber = 120_022, Version = "12.22" }, 1, 22)
            .ShouldBe("PostgreSQL is 12.22; 13 or newer is needed. Mend: upgrade the server.");
        ServerChecks.Complaint(Good with { IsStandby = true }, 1, 22)!.ShouldContain("connect to the primary");
    }

    [Fact]
    public void The_pools_of_all_replicas_must_fit_into_the_server()
    {
        ServerChecks.Complaint(Good, 5, 22)!.ShouldBe(
            "5 replicas with up to 22 connections each need 110; the server grants 97 (max_connections 100 less 3 reserved). "
            + "Mend: raise that limit, or lower the pool size or the number of replicas.");
        ServerChecks.Complaint(Good with { DatabaseLimit = 20 }, 1, 22)!.ShouldContain("grants 20 (the database's connection limit)");
        ServerChecks.Complaint(Good with { RoleLimit = 0 }, 1, 22)!.ShouldContain("grants 0 (the login's connection limit)");
    }

    async Task<string> RefusalAsync(Func<string, Task<string>> prepare, Func<EventStoreOptions, EventStoreOptions>? change = null)
    {
        var connection = await prepare(await server.CreateDatabaseAsync());
        var options = new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7 };
        await using var store = new PostgresEventStore(change?.Invoke(options) ?? options, Parcels.Registry(), TimeProvider.System);
        return (await Should.ThrowAsync<EventStoreSchemaException>(() => store.MigrateAsync(Ct))).Message;
    }

    static async Task<string> WithAsync(string connection, string sql)
    {
        await PostgresServer.ExecuteAsync(connection, sql);
        return connection;
    }

    static async Task MigrateAsync(string connection)
    {
        await using var store = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7 }, Parcels.Registry(), TimeProvider.System);
        await store.MigrateAsync(Ct);
    }

    [Fact]
    public async Task More_pools_than_the_server_has_connections_are_refused_at_the_start() =>
        (await RefusalAsync(Task.FromResult, o => o with { Replicas = 4, MaxPoolSize = 30 }))
            .ShouldStartWith("4 replicas with up to 32 connections each need 128");

    [Fact]
    public async Task A_pool_size_in_the_connection_string_is_the_one_that_counts() =>
        (await RefusalAsync(c => Task.FromResult(c + ";Maximum Pool Size=200")))
            .ShouldStartWith("1 replicas with up to 202 connections each");

    [Fact]
    public async Task A_read_only_database_is_refused_with_what_to_do() =>
        (await RefusalAsync(c => WithAsync(
            c, $"alter database {new NpgsqlConnectionStringBuilder(c).Database} set default_transaction_read_only = on")))
            .ShouldContain("default_transaction_read_only is on");

    [Fact]
    public async Task A_database_in_another_encoding_is_refused_with_what_to_do() => (await RefusalAsync(async c =>
    {
        var name = new NpgsqlConnectionStringBuilder(c).Database + "_ascii";
        await PostgresServer.ExecuteAsync(c, $"create database {name} encoding 'SQL_ASCII' locale 'C' template template0");
        return new NpgsqlConnectionStringBuilder(c) { Database = name }.ConnectionString;
    })).ShouldContain("encoding is SQL_ASCII; UTF8 is needed");

    [Fact]
    public async Task A_table_that_another_program_changed_is_named_with_what_it_lacks() => (await RefusalAsync(async c =>
    {
        await MigrateAsync(c);
        return await WithAsync(c, "alter table framelease_events.mt_events drop column correlation_id; alter table "
            + "framelease_events.mt_streams alter version type int");
    })).ShouldContain("lacks mt_streams (version int8), mt_events (correlation_id varchar)");

    [Fact]
    public async Task A_schema_that_no_longer_serves_programs_of_this_version_is_refused() => (await RefusalAsync(async c =>
    {
        await MigrateAsync(c);
        return await WithAsync(c, "insert into framelease.schema_updates (component, number, name, digest, least_program) "
            + "values ('Framelease.EventStore.Schema', 9000, 'future', '', 8999)");
    })).ShouldContain("is at update 9000 and serves programs from update 8999 on");

    [Fact]
    public async Task A_database_that_is_not_there_is_refused_with_what_to_do() =>
        (await RefusalAsync(c => Task.FromResult(new NpgsqlConnectionStringBuilder(c) { Database = "nowhere" }.ConnectionString)))
            .ShouldContain("create the database");

    [Fact]
    public async Task The_role_and_its_rights_come_back_when_a_restore_lost_them()
    {
        var connection = await server.CreateDatabaseAsync();
        await MigrateAsync(connection);
        await PostgresServer.ExecuteAsync(connection, "revoke all on all tables in schema framelease_events from framelease_app");
        await MigrateAsync(connection);
        (await PostgresServer.ScalarAsync<bool>(
            connection, "select has_table_privilege('framelease_app', 'framelease_events.mt_streams', 'insert')")).ShouldBeTrue();
    }

    [Theory]
    [InlineData("53100", "disk is full", true)]
    [InlineData("53300", "takes no more connections", true)]
    [InlineData("25006", "read-only", false)]
    public async Task What_the_server_lacks_is_told_with_what_to_do(string sqlState, string message, bool transient)
    {
        var connection = await server.CreateDatabaseAsync();
        await MigrateAsync(connection);
        await using var store = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7 }, Parcels.Registry(), TimeProvider.System);
        await PostgresServer.ExecuteAsync(connection,
            $"create function public.fails() returns int language plpgsql as $$ begin raise exception using errcode = '{sqlState}', "
                + "message = 'so it is'; end $$");
        var refusal = await Should.ThrowAsync<EventStoreException>(
            () => store.OpenSession().Write(new("select public.fails()")).SaveChangesAsync(Ct));
        refusal.Message.ShouldContain(message);
        refusal.Message.ShouldContain("Mend:");
        refusal.IsTransient.ShouldBe(transient);
    }

    [Fact]
    public void The_pool_is_bounded_waits_half_a_minute_and_renews_its_connections_hourly()
    {
        using var pool = Connections.Pool(new() { ConnectionString = "Host=x", NewId = Guid.CreateVersion7 }, null);
        var text = new NpgsqlConnectionStringBuilder(pool.ConnectionString);
        (text.MaxPoolSize, text.Timeout, text.ConnectionLifetime, text.CommandTimeout).ShouldBe((20, 30, 3600, 30));
        using var own = Connections.Pool(
            new() { ConnectionString = "Host=x;Timeout=5", NewId = Guid.CreateVersion7, MaxPoolSize = 30 }, null);
        new NpgsqlConnectionStringBuilder(own.ConnectionString)
            .ShouldSatisfyAllConditions(t => t.Timeout.ShouldBe(5), t => t.MaxPoolSize.ShouldBe(30));
    }
}
