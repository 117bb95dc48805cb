using Npgsql;
using NpgsqlTypes;

namespace Framelease.Benchmarks.EventStore;

/// <summary>Calls the rival's function through Npgsql: pooled connections, prepared statements, one round trip an append.</summary>
sealed class RivalStore(string connection, int connections, Func<Guid> newId) : IAsyncDisposable
{
    const string Sql = "select rival.quick_append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

    readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(
        $"{connection};Maximum Pool Size={connections};Minimum Pool Size=0;No Reset On Close=true;Max Auto Prepare=20;Auto Prepare Min Usages=2");

    public async Task CreateAsync(CancellationToken ct)
    {
        await using var stream = typeof(RivalStore).Assembly.GetManifestResourceStream("rival.sql")!;
        using var reader = new StreamReader(stream);
        await using var command = _source.CreateCommand(await reader.ReadToEndAsync(ct));
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task AppendAsync(string stream, long expected, int events, CancellationToken ct)
    {
        await using var command = _source.CreateCommand(Sql);
        var p = command.Parameters;
        p.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = DBNull.Value, NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(new() { Value = "*DEFAULT*", NpgsqlDbType = NpgsqlDbType.Varchar });
        p.Add(Array(NpgsqlDbType.Uuid, events, newId));
        p.Add(Array(NpgsqlDbType.Varchar, events, () => "frame_coded"));
        p.Add(Array(NpgsqlDbType.Varchar, events, () => FrameCoded.DotNetType));
        p.Add(Array(NpgsqlDbType.Jsonb, events, () => FrameCoded.Json));
        p.Add(Array(NpgsqlDbType.Varchar, events, () => (string?)null));
        p.Add(Array(NpgsqlDbType.Varchar, events, () => (string?)null));
        p.Add(Array(NpgsqlDbType.Jsonb, events, () => "{}"));
        p.Add(Array(NpgsqlDbType.Varchar, events, () => (string?)"bench"));
        p.Add(Array(NpgsqlDbType.TimestampTz, events, () => DateTime.UnixEpoch));
        p.Add(new() { Value = expected, NpgsqlDbType = NpgsqlDbType.Bigint });
        await command.ExecuteScalarAsync(ct);
    }

    /// <summary>Closes the idle connections.</summary>
    public void Clear() => _source.Clear();

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    static NpgsqlParameter Array<T>(NpgsqlDbType type, int count, Func<T> value)
    {
        var values = new T[count];
        for (var i = 0; i < count; i++)
            values[i] = value();
        return new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }
}
