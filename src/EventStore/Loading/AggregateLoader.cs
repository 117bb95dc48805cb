// Folds streams, from a kept state on where there is one.
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal static class AggregateLoader
{
    // Statements have a snapshot of the database each, so the version is carried from the first to the last.
    const string Kept = """
        select set_config('framelease.snapshot', coalesce(n.version, 0)::text, true), n.version, n.state::text
        from (values (1)) as one left join framelease.snapshots as n on n.stream = $1 and n.aggregate = $2 and n.state_version = $3
          and ($4::bigint is null or n.version <= $4) and ($5::timestamptz is null or n.timestamp <= $5)
        """;

    const string StreamRow = "select s.version, s.is_archived from framelease_events.mt_streams as s where s.id = $1";

    static readonly string Events = $"""
        select {EventReader.Columns} from framelease_events.mt_events as d
        where d.stream_id = $1 and d.version > current_setting('framelease.snapshot')::bigint and {EventReader.OnlyEvents}
          and ($2::bigint is null or d.version <= $2) and ($3::timestamptz is null or d.timestamp <= $3)
        order by d.version
        """;

    const string Keep = """
        insert into framelease.snapshots as n (stream, aggregate, state_version, version, timestamp, state) values ($1, $2, $3, $4, $5, $6)
        on conflict (stream, aggregate) do update set
          state_version = excluded.state_version, version = excluded.version, timestamp = excluded.timestamp, state = excluded.state
        where n.state_version < excluded.state_version or (n.state_version = excluded.state_version and n.version < excluded.version)
        """;

    public static async Task<Aggregate<TState>> LoadAsync<TState>(
        PostgresEventStore store, string stream, Aggregation<TState> aggregation, long? atVersion, DateTimeOffset? atTime,
            CancellationToken ct)
    {
        if (aggregation.Snapshots is not { } rule)
            return await store.AggregateAsync(stream, aggregation.Seed, aggregation.Evolve, ct, atVersion, atTime);
        StreamAppend.ValidateKey(stream);
        rule.Validate();
        var json = rule.Json ?? (JsonTypeInfo<TState>)store.Registry.Json.GetTypeInfo(typeof(TState));
        var found = await store.RunAsync(c => ReadAsync(store, c, stream, rule, atVersion, atTime, ct), ct);
        if (!TryRead(store, found, json, stream, aggregation.Seed, out var state))
            return await store.AggregateAsync(stream, aggregation.Seed, aggregation.Evolve, ct, atVersion, atTime);

        state = found.Events.Aggregate(state, aggregation.Evolve);
        var version = found.Events.Count > 0 ? found.Events[^1].Version : found.KeptVersion;
        var unknown = found.Events.Count(e => e.IsUnknown);
        if (found.Events.Count >= rule.Every && unknown == 0 && atVersion is null && atTime is null)
            await KeepAsync(store, stream, rule, version, found.Events[^1].Timestamp, JsonSerializer.Serialize(state, json), ct);
        return new(stream, state, version, found.IsArchived, unknown, found.Now);
    }

    sealed record Found(
        long KeptVersion, string? Kept, long StreamVersion, bool IsArchived, List<EventEnvelope> Events, DateTimeOffset Now);

    static async Task<Found> ReadAsync<TState>(
        PostgresEventStore store, NpgsqlConnection connection, string stream, SnapshotRule<TState> rule, long? atVersion,
            DateTimeOffset? atTime,
        CancellationToken ct)
    {
        using var batch = new NpgsqlBatch(connection);
        var kept = Command(Kept, Text(stream), Text(rule.Name), new() { Value = rule.Version }, Number(atVersion), Time(atTime));
        batch.BatchCommands.Add(kept);
        batch.BatchCommands.Add(Command(StreamRow, Text(stream)));
        batch.BatchCommands.Add(Command(Events, Text(stream), Number(atVersion), Time(atTime)));
        // last, so that no loaded event is younger than the time that decides about it
        batch.BatchCommands.Add(new("select clock_timestamp()"));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var (keptVersion, state) = reader.IsDBNull(1) ? (0, null) : (reader.GetInt64(1), reader.GetString(2));
        await reader.NextResultAsync(ct);
        var (version, isArchived) = await reader.ReadAsync(ct) ? (reader.GetInt64(0), !reader.IsDBNull(1) && reader.GetBoolean(1)) : (
            0, false);
        await reader.NextResultAsync(ct);
        var events = await EventReader.ReadAsync(reader, store.Registry, ct);
        await reader.NextResultAsync(ct);
        await reader.ReadAsync(ct);
        store.Metrics.Loaded(events.Count);
        return new(keptVersion, state, version, isArchived, events, reader.GetFieldValue<DateTimeOffset>(0));
    }

    /// <summary>The kept state, or the seed when there is none; false when it cannot be used.</summary>
    static bool TryRead<TState>(
        PostgresEventStore store, Found found, JsonTypeInfo<TState> json, string stream, TState seed, out TState state)
    {
        state = seed;
        if (found.Kept is null) return true;
        try
        {
            // a state ahead of its stream comes from another history (tables restored by hand)
            if (found.KeptVersion > Math.Max(found.StreamVersion, found.Events.Count == 0 ? 0 : found.Events[^1].Version)) return false;
            if (JsonSerializer.Deserialize(found.Kept, json) is not { } read) return false;
            state = read;
            return true;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            Log.SnapshotUnreadable(store.Logger, stream, e);
            return false;
        }
    }

    /// <summary>A state that cannot be kept costs the next load its time, and nothing else.</summary>
    static async Task KeepAsync<TState>(
        PostgresEventStore store, string stream, SnapshotRule<TState> rule, long version, DateTimeOffset timestamp, string state,
            CancellationToken ct)
    {
        try
        {
            await store.ConnectedAsync(async connection =>
            {
                using var batch = new NpgsqlBatch(connection);
                batch.BatchCommands.Add(new("select set_config('synchronous_commit', 'off', true)"));
                batch.BatchCommands.Add(
                    Command(Keep, Text(stream), Text(rule.Name), new() { Value = rule.Version }, Number(version), Time(timestamp),
                    new() { Value = state, NpgsqlDbType = NpgsqlDbType.Jsonb }));
                return await batch.ExecuteNonQueryAsync(ct);
            }, ct);
        }
        catch (EventStoreException e)
        {
            Log.SnapshotNotKept(store.Logger, stream, e);
        }
    }

    static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        return command;
    }

    static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Varchar };

    static NpgsqlParameter Number(long? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    static NpgsqlParameter Time(DateTimeOffset? value) =>
        new() { Value = (object?)value?.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz };
}
