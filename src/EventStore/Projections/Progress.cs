// How far a follower of the log has come: its row in mt_event_progression.
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal static class Progress
{
    /// <summary>All rows of a projection, of whatever version.</summary>
    public static Task<Dictionary<string, long>> ReadAsync(PostgresEventStore store, string name, CancellationToken ct) =>
        store.ConnectedAsync(connection => ReadAsync(connection, name, forUpdate: false, ct), ct);

    public static async Task<Dictionary<string, long>> ReadAsync(
        NpgsqlConnection connection, string name, bool forUpdate, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select p.name, coalesce(p.last_seq_id, 0) from framelease_events.mt_event_progression as p where starts_with(p.name, $1) "
            + "order by p.name" + (forUpdate ? " for update" : ""), connection);
        command.Parameters.Add(new() { Value = name + ":", NpgsqlDbType = NpgsqlDbType.Text });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct)) rows.Add(reader.GetString(0), reader.GetInt64(1));
        return rows;
    }

    /// <summary>Makes the row unless it is there.</summary>
    public static Task StartAsync(PostgresEventStore store, string identity, long position, CancellationToken ct) =>
        store.ConnectedAsync(async connection =>
    {
        await using var command = new NpgsqlCommand("""
            insert into framelease_events.mt_event_progression (name, last_seq_id, last_updated) values ($1, $2, clock_timestamp())
            on conflict (name) do nothing
            """, connection);
        command.Parameters.Add(new() { Value = identity, NpgsqlDbType = NpgsqlDbType.Varchar });
        command.Parameters.Add(new() { Value = position, NpgsqlDbType = NpgsqlDbType.Bigint });
        return await command.ExecuteNonQueryAsync(ct);
    }, ct);

    /// <summary>The statement that goes before the writes of a batch.</summary>
    public static NpgsqlBatchCommand Advance(string identity, long floor, long ceiling)
    {
        var command = new NpgsqlBatchCommand("select framelease.advance_projection($1, $2, $3)");
        command.Parameters.Add(new() { Value = identity, NpgsqlDbType = NpgsqlDbType.Varchar });
        command.Parameters.Add(new() { Value = floor, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = ceiling, NpgsqlDbType = NpgsqlDbType.Bigint });
        return command;
    }

    /// <summary>One transaction: the advance, then the writes.</summary>
    /// <exception cref="ProgressionProgressOutOfOrderException">Somebody else was faster.</exception>
    public static Task CommitAsync(
        PostgresEventStore store, string identity, long floor, long ceiling, Func<IEnumerable<NpgsqlBatchCommand>> writes,
        CancellationToken ct) =>
        store.ConnectedAsync(async connection =>
        {
            using var batch = new NpgsqlBatch(connection);
            batch.BatchCommands.Add(Advance(identity, floor, ceiling));
            foreach (var write in writes()) batch.BatchCommands.Add(write);
            return await batch.ExecuteNonQueryAsync(ct);
        }, ct);
}
