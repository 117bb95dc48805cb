// One real PostgreSQL for a test assembly, one database for a test class. Other test projects link this file and add a collection:
//   [CollectionDefinition(PostgresServer.Collection)] public sealed class PostgresCollection : ICollectionFixture<PostgresServer>;
using System.Globalization;
using Framelease.LocalCluster.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Framelease.EventStore.Tests.Support;

public sealed class PostgresServer : IAsyncLifetime
{
    public const string Collection = "PostgreSQL";

    readonly string _directory = Directory.CreateTempSubdirectory("framelease-test-pg-").FullName;
    PrivatePostgres? _server;
    int _databases;

    /// <summary>The server's own database, as superuser.</summary>
    public string ConnectionString => _server!.ConnectionString;

    public int ProcessId => _server!.ProcessId;

    public async Task InitializeAsync()
    {
        // as root the server runs as another user, who must pass through
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
        await StartAsync();
    }

    /// <summary>Also after a kill: the connection strings stay valid.</summary>
    public async Task StartAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _server = await PrivatePostgres.StartAsync(new(Path.Combine(_directory, "pg")), NullLogger.Instance, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A new, empty database.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync(ConnectionString, $"create database {name}");
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<T> ScalarAsync<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
