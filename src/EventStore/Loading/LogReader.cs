// The log in bounded pieces, for those who read all of it: by number of events, by bytes, and by how far one statement may look.
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <param name="Position">Go on from here.</param>
/// <param name="IsFull">True when a bound, not the ceiling, ended it.</param>
internal sealed record LogPage(List<EventEnvelope> Events, long Position, bool IsFull);

internal static class LogReader
{
    /// <summary>Positions that one statement looks through: rare events must not make it long.</summary>
    public const int MostPositions = 100_000;

    /// <summary>As stored, that is compressed.</summary>
    public const int MostBytes = 4 * 1024 * 1024;

    // The sizes are those of the rows; large values are not fetched to be measured.
    static readonly string Sql = $"""
        select {EventReader.Columns}, d.bytes from (
          select d.*, sum(pg_column_size(d.data)) over (order by d.seq_id rows unbounded preceding) as bytes
          from framelease_events.mt_events as d
          where d.seq_id > $1 and d.seq_id <= $2 and d.type <> 'tombstone' and ($3::varchar[] is null or d.type = any ($3))
            and ($4::text is null or starts_with(d.stream_id, $4))
          order by d.seq_id limit $5) as d
        where d.bytes - pg_column_size(d.data) < {MostBytes} order by d.seq_id
        """;

    /// <summary>Archived streams are read too: a view made anew must not lack what the running one has.</summary>
    /// <param name="ceiling">Read in a statement of its own before (see safe_position), or the end of a snapshot.</param>
    public static async Task<LogPage> ReadAsync(
        NpgsqlConnection connection, EventRegistry registry, long after, long ceiling, EventFilter filter, int limit, CancellationToken ct)
    {
        var end = Math.Min(ceiling, after + MostPositions);
        await using var command = new NpgsqlCommand(Sql, connection);
        var p = command.Parameters;
        p.Add(new() { Value = after, NpgsqlDbType = NpgsqlDbType.Bigint });
        p.Add(new() { Value = end, NpgsqlDbType = NpgsqlDbType.Bigint });
        var types = filter.TypeNames?.ToArray() ?? (object)DBNull.Value;
        p.Add(new() { Value = types, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar });
        p.Add(new() { Value = filter.StreamPrefix ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        p.Add(new() { Value = limit, NpgsqlDbType = NpgsqlDbType.Integer });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var events = new List<EventEnvelope>();
        var bytes = 0L;
        while (await reader.ReadAsync(ct))
        {
            events.Add(EventReader.Read(reader, registry));
            bytes = reader.GetInt64(EventReader.ColumnCount);
        }

        var isCut = events.Count == limit || bytes >= MostBytes;
        return new(events, isCut ? events[^1].Sequence : Math.Max(end, after), isCut || end < ceiling);
    }

    public static Task<LogPage> ReadAsync(
        PostgresEventStore store, long after, long ceiling, EventFilter filter, int limit, CancellationToken ct) =>
        store.ConnectedAsync(c => ReadAsync(c, store.Registry, after, ceiling, filter, limit, ct), ct);
}
