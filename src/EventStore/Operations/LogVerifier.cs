// Looks for what cannot be in a sound log. Reads only; PostgreSQL adds up, so that memory does not grow with the log.
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal sealed class LogVerifier(PostgresEventStore store)
{
    const int MostFindings = 1000;

    const string Restore = "restore the newest backup that verifies";

    /// <summary>
    /// All in one snapshot (repeatable read): a log in use has no half-committed append in it. mt_tombstone holds numbers, not versions.
    /// </summary>
    const string Streams = """
        with counted as (
          select e.stream_id, count(*) as events, min(e.version) as first, max(e.version) as last,
            bool_or(e.is_archived is distinct from coalesce(s.is_archived, false)) as differs
          from framelease_events.mt_events as e left join framelease_events.mt_streams as s on s.id = e.stream_id
          where e.stream_id is distinct from 'mt_tombstone' group by e.stream_id)
        select coalesce(c.stream_id, s.id), s.id is null, coalesce(s.version, 0), coalesce(c.events, 0), coalesce(c.first, 0),
          coalesce(c.last, 0), coalesce(c.differs, false)
        from counted as c full join (select * from framelease_events.mt_streams where id <> 'mt_tombstone') as s on s.id = c.stream_id
        where s.id is null or coalesce(s.version, 0) <> coalesce(c.last, 0) or c.events <> c.last or c.first <> 1 or c.differs
        order by 1 limit $1
        """;

    const string FirstGap = """
        select min(e.expected) from (
          select version, row_number() over (order by version) as expected from framelease_events.mt_events where stream_id = $1) as e
        where e.version <> e.expected
        """;

    const string Order = """
        select o.stream_id, o.version, o.seq_id from (
          select e.stream_id, e.version, e.seq_id, lag(e.seq_id) over (partition by e.stream_id order by e.version) as before
          from framelease_events.mt_events as e where e.stream_id is distinct from 'mt_tombstone') as o
        where o.seq_id <= o.before order by o.seq_id limit $1
        """;

    const string Progressions = """
        select p.name, p.last_seq_id from framelease_events.mt_event_progression as p
        where p.last_seq_id > (select last_value from framelease_events.mt_events_sequence) order by p.name limit $1
        """;

    const string Sequence = """
        select max(e.seq_id), (select case when is_called then last_value else 0 end from framelease_events.mt_events_sequence)
        from framelease_events.mt_events as e
        """;

    readonly List<LogFinding> _findings = [];

    public async Task<LogReport> RunAsync(CancellationToken ct)
    {
        var (streams, events) = await store.RunAsync(async connection =>
        {
            _findings.Clear();
            await using var snapshot = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
            // the store's bound on idle clients and on single statements is for sessions; this reads the whole log
            await using (var patience = Command(connection, "set local statement_timeout = 0")) await patience.ExecuteNonQueryAsync(ct);
            await StreamsAsync(connection, ct);
            await OrderAsync(connection, ct);
            await ProgressionsAsync(connection, ct);
            await SequenceAsync(connection, ct);
            return (await CountAsync(connection, "mt_streams", ct), await CountAsync(connection, "mt_events", ct));
        }, ct);
        var last = await ReadableAsync(ct);
        return new(streams, events, last, _findings);
    }

    async Task StreamsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = new List<(string? Stream, bool NoRow, long Version, long Events, long First, long Last, bool Differs)>();
        await using (var command = Command(connection, Streams, MostFindings))
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                rows.Add((reader.IsDBNull(0) ? null : reader.GetString(0), reader.GetBoolean(1), reader.GetInt64(2), reader.GetInt64(3),
                    reader.GetInt64(4), reader.GetInt64(5), reader.GetBoolean(6)));
        foreach (var r in rows)
        {
            if (r.NoRow)
            {
                Add("StreamRow", r.Stream, r.First, null, $"{r.Events} events, but no row in mt_streams",
                    $"the projections skip these events; {Restore}");
                continue;
            }
            if (r.Events > 0 && (r.Events != r.Last || r.First != 1))
            {
                var gap = await ScalarAsync(connection, FirstGap, r.Stream!, ct);
                Add("StreamVersions", r.Stream, gap, null,
                    $"{r.Events} events with versions {r.First} to {r.Last}: the first that is missing or there twice is {gap}",
                    $"events were removed or written past framelease.append_events; {Restore}");
            }
            if (r.Version != r.Last)
                Add("StreamVersions", r.Stream, Math.Min(r.Version, r.Last) + 1, null,
                    $"mt_streams says version {r.Version}, the last event has {r.Last}",
                    r.Version < r.Last && r.Events == r.Last
                        ? $"all events are there: update framelease_events.mt_streams set version = {r.Last} where id = "
                        + $"'{r.Stream!.Replace("'", "''", StringComparison.Ordinal)}'"
                        : $"the end of the stream is lost; {Restore}");
            if (r.Differs)
                Add("Archived", r.Stream, null, null,
                    "mt_streams and the stream's events disagree about is_archived, so that readers miss some of them",
                    "set is_archived of the events as in mt_streams, as the owner");
        }
    }

    async Task OrderAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = Command(connection, Order, MostFindings);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            Add("StreamOrder", reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2),
                "its number is not above that of the version before",
                $"written past framelease.append_events; Marten reads this stream in another order; {Restore}");
    }

    async Task ProgressionsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = Command(connection, Progressions, MostFindings);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            Add("Progression", null, null, reader.GetInt64(1),
                $"projection '{reader.GetString(0)}' has come to {reader.GetInt64(1)}, which is beyond the log's end",
                "it would miss what is appended next: rebuild it");
    }

    async Task SequenceAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = Command(connection, Sequence);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        if (!reader.IsDBNull(0) && reader.GetInt64(0) is var highest && reader.GetInt64(1) is var drawn && drawn < highest)
            Add("Sequence", null, null, highest,
                $"mt_events_sequence is at {drawn}, behind the log's last number {highest}: appends fail, or readers skip them",
                $"select setval('framelease_events.mt_events_sequence', {highest})");
    }

    /// <summary>Every event as a reader would get it: page by page, by the declared names, versions and upcasters.</summary>
    async Task<long> ReadableAsync(CancellationToken ct)
    {
        var unknown = new Dictionary<(string Type, int Version), (long Count, EventEnvelope First, string Reason)>();
        var position = 0L;
        while (true)
        {
            var page = await store.ReadAllAsync(position, 2000, null, ct);
            foreach (var e in page.Events)
            {
                if (e.Data is not UnknownEvent u) continue;
                var (count, first, reason) = unknown.GetValueOrDefault((u.TypeName, u.Version), (0, e, u.Reason));
                unknown[(u.TypeName, u.Version)] = (count + 1, first, reason);
            }
            position = page.Position;
            if (!page.HasMore) break;
        }
        foreach (var ((type, version), (count, first, reason)) in unknown.OrderBy(u => u.Value.First.Sequence).Take(MostFindings))
            Add(store.Registry.Names.Contains(type) ? "UnreadableEvent" : "UnknownEvent", first.Stream, first.Version, first.Sequence,
                $"{count} events '{type}' of data version {version}: {reason}",
                "a newer program wrote them: use that version or a later one; views ignore them, deciders refuse");
        return position;
    }

    static async Task<long> CountAsync(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var command = Command(connection, $"select count(*) from framelease_events.{table}");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    static async Task<long?> ScalarAsync(NpgsqlConnection connection, string sql, string stream, CancellationToken ct)
    {
        await using var command = Command(connection, sql);
        command.Parameters.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
        return await command.ExecuteScalarAsync(ct) as long?;
    }

    static NpgsqlCommand Command(NpgsqlConnection connection, string sql, int? limit = null)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        if (limit is not null) command.Parameters.Add(new() { Value = limit, NpgsqlDbType = NpgsqlDbType.Integer });
        return command;
    }

    void Add(string check, string? stream, long? version, long? sequence, string problem, string mend) =>
        _findings.Add(new(check, stream, version, sequence, problem, mend));
}
