// Base of the tests against a real database: one database a class, one store a test.
using Npgsql;

namespace Framelease.EventStore.Tests.Support;

[CollectionDefinition(PostgresServer.Collection)]
public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;

/// <summary>The class's database, made at its first test.</summary>
public sealed class TestDatabase
{
    string? _connectionString;

    public async Task<string> GetAsync(PostgresServer server) => _connectionString ??= await server.CreateDatabaseAsync();
}

[Collection(PostgresServer.Collection)]
public abstract class StoreTests(PostgresServer server, TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    readonly CancellationTokenSource _limit = new(
        TimeSpan.FromMinutes(Environment.GetEnvironmentVariable("FRAMELEASE_SOAK") == "1" ? 60 : 5));
    readonly List<PostgresEventStore> _stores = [];
    int _streams;

    protected PostgresServer Server => server;

    /// <summary>The owner's.</summary>
    protected string ConnectionString { get; private set; } = "";

    protected PostgresEventStore Store { get; private set; } = null!;

    protected CancellationToken Ct => _limit.Token;

    public virtual async Task InitializeAsync()
    {
        ConnectionString = await database.GetAsync(server);
        Store = Open();
        await Store.MigrateAsync(Ct);
    }

    public virtual async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        _limit.Dispose();
    }

    protected PostgresEventStore Open(EventRegistry? registry = null, Func<EventStoreOptions, EventStoreOptions>? change = null)
    {
        var options = new EventStoreOptions { ConnectionString = ConnectionString, NewId = Guid.CreateVersion7, MaxPoolSize = 10 };
        var store = new PostgresEventStore(change?.Invoke(options) ?? options, registry ?? Parcels.Registry(), TimeProvider.System);
        _stores.Add(store);
        return store;
    }

    /// <summary>A key that no other test of the class uses.</summary>
    protected string NewStream(string prefix = "parcel") => $"{prefix}-{Guid.NewGuid():n}-{++_streams}";

    protected Task ExecuteAsync(string sql) => PostgresServer.ExecuteAsync(ConnectionString, sql);

    protected Task<T> ScalarAsync<T>(string sql) => PostgresServer.ScalarAsync<T>(ConnectionString, sql);

    protected static NpgsqlBatchCommand Sql(string sql, params object[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }

    /// <summary>Polls until it holds.</summary>
    protected async Task EventuallyAsync(Func<Task<bool>> holds)
    {
        while (!await holds()) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, Ct);
    }
}
