using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.Benchmarks.EventStore;

/// <summary>Calls the rival's function through Npgsql as cheaply as that goes: open connections, one prepared command each, one round trip an append.</summary>
sealed class RivalStore(string connection, Func<Guid> newId) : IAsyncDisposable
{
    const string Sql = "select rival.quick_append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

    readonly NpgsqlDataSource _source = NpgsqlDataSource.Create($"{connection};Pooling=false");
    readonly ConcurrentStack<Caller> _idle = new();

    public async Task CreateAsync(CancellationToken ct)
    {
        await using var stream = typeof(RivalStore).Assembly.GetManifestResourceStream("rival.sql")!;
        using var reader = new StreamReader(stream);
        await using var command = _source.CreateCommand(await reader.ReadToEndAsync(ct));
        await command.ExecuteNonQueryAsync(ct);
    }

    public async Task AppendAsync(string stream, long expected, int events, CancellationToken ct)
    {
        if (!_idle.TryPop(out var caller))
            caller = await Caller.OpenAsync(_source, newId, ct);
        await caller.AppendAsync(stream, expected, events, ct);
        _idle.Push(caller);
    }

    public async Task CloseAsync()
    {
        while (_idle.TryPop(out var caller))
            await caller.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await _source.DisposeAsync();
    }

    sealed class Caller(NpgsqlConnection connection, NpgsqlCommand command, Func<Guid> newId) : IAsyncDisposable
    {
        readonly NpgsqlParameter<string> _stream = Add<string>(command, NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string?> _type = Add<string?>(command, NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string> _tenant = Add<string>(command, NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<Guid[]> _ids = Add<Guid[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        readonly NpgsqlParameter<string[]> _types = Add<string[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string[]> _dotNetTypes = Add<string[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string[]> _bodies = Add<string[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Jsonb);
        readonly NpgsqlParameter<string?[]> _causations = Add<string?[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string?[]> _correlations = Add<string?[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<string[]> _headers = Add<string[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Jsonb);
        readonly NpgsqlParameter<string[]> _users = Add<string[]>(command, NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        readonly NpgsqlParameter<DateTime[]> _times = Add<DateTime[]>(command, NpgsqlDbType.Array | NpgsqlDbType.TimestampTz);
        readonly NpgsqlParameter<long> _expected = Add<long>(command, NpgsqlDbType.Bigint);

        public static async Task<Caller> OpenAsync(NpgsqlDataSource source, Func<Guid> newId, CancellationToken ct)
        {
            var connection = await source.OpenConnectionAsync(ct);
            var caller = new Caller(connection, new NpgsqlCommand(Sql, connection), newId);
            caller.Fill("", 0, 1);
            await caller.PrepareAsync(ct);
            return caller;
        }

        public Task AppendAsync(string stream, long expected, int events, CancellationToken ct)
        {
            Fill(stream, expected, events);
            return command.ExecuteScalarAsync(ct);
        }

        public async ValueTask DisposeAsync()
        {
            await command.DisposeAsync();
            await connection.DisposeAsync();
        }

        Task PrepareAsync(CancellationToken ct) => command.PrepareAsync(ct);

        void Fill(string stream, long expected, int events)
        {
            (_stream.TypedValue, _type.TypedValue, _tenant.TypedValue, _expected.TypedValue) = (stream, null, "*DEFAULT*", expected);
            _ids.TypedValue = [.. Enumerable.Range(0, events).Select(_ => newId())];
            (_types.TypedValue, _dotNetTypes.TypedValue) = (Filled("frame_coded", events), Filled(FrameCoded.DotNetType, events));
            (_bodies.TypedValue, _headers.TypedValue) = (Filled(FrameCoded.Json, events), Filled("{}", events));
            (_causations.TypedValue, _correlations.TypedValue) = (new string?[events], new string?[events]);
            (_users.TypedValue, _times.TypedValue) = (Filled("bench", events), Filled(DateTime.UnixEpoch, events));
        }

        static T[] Filled<T>(T value, int count)
        {
            var values = new T[count];
            Array.Fill(values, value);
            return values;
        }

        static NpgsqlParameter<T> Add<T>(NpgsqlCommand command, NpgsqlDbType type)
        {
            var parameter = new NpgsqlParameter<T> { NpgsqlDbType = type };
            command.Parameters.Add(parameter);
            return parameter;
        }
    }
}
