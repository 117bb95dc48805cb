// From rows of mt_events to envelopes.
using Npgsql;

namespace Framelease.EventStore;

internal static class EventReader
{
    public const string Columns =
        "d.seq_id, d.id, d.stream_id, d.version, d.type, d.data, d.timestamp, d.correlation_id, d.causation_id, d.user_name, d.headers::text";

    public const int ColumnCount = 11;

    /// <summary>Marten's own entries, which are no events: numbers of rolled-back transactions.</summary>
    public const string OnlyEvents = "d.is_archived = false and d.type <> 'tombstone'";

    public static async Task<List<EventEnvelope>> ReadAsync(NpgsqlDataReader reader, EventRegistry registry, CancellationToken ct)
    {
        var events = new List<EventEnvelope>();
        while (await reader.ReadAsync(ct)) events.Add(Read(reader, registry));
        return events;
    }

    public static EventEnvelope Read(NpgsqlDataReader row, EventRegistry registry)
    {
        var typeName = row.GetString(4);
        var raw = row.GetFieldValue<byte[]>(5);
        var (headers, dataVersion) = EventHeaders.Read(row.IsDBNull(10) ? null : row.GetString(10));
        return new()
        {
            Sequence = row.GetInt64(0),
            Id = row.GetGuid(1),
            Stream = row.GetString(2),
            Version = row.GetInt64(3),
            TypeName = typeName,
            Data = registry.Deserialize(typeName, dataVersion, raw),
            Raw = raw,
            Timestamp = row.GetFieldValue<DateTimeOffset>(6),
            CorrelationId = row.IsDBNull(7) ? null : row.GetString(7),
            CausationId = row.IsDBNull(8) ? null : row.GetString(8),
            Actor = row.IsDBNull(9) ? null : row.GetString(9),
            Headers = headers,
        };
    }
}
