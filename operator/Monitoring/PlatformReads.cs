using System.Data.Common;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Npgsql;

namespace Framelease.Operator.Monitoring;

/// <summary>The reads on PostgreSQL.</summary>
sealed partial class PlatformReads(PostgresEventStore store) : IPlatformReads
{
    /// <summary>More rows than any sane number of pools and engines makes; labels come from users.</summary>
    const int MostSums = 20_000;

    public Task<IReadOnlyList<Sum>> ReadSumsAsync(CancellationToken cancel) => RowsAsync(
        $"""
        select metric, label, detail, bucket, count, millis from framelease.statistics
        order by metric, label, detail, bucket limit {MostSums}
        """,
        r => new Sum(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3), r.GetInt64(4), r.GetInt64(5)), cancel);

    public async Task<PlatformState> ReadStateAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(
            new NpgsqlBatchCommand("select clock_timestamp(), coalesce(max(seq_id), 0) from framelease_events.mt_events"),
            r => (Now: r.GetFieldValue<DateTimeOffset>(0), Position: r.GetInt64(1)));
        var slots = session.Query(
            new NpgsqlBatchCommand("""
                select pool, shown, count(*), greatest(max(extract(epoch from clock_timestamp() - changed_at)), 0)::float8
                  from (select s.*, case when state = 'Quarantined' and reason = 'Releasing' then 'Releasing' else state end as shown
                          from framelease.slots s where pool <> '') as s
                 group by pool, shown order by pool, shown
                """),
            r => new SlotCount(r.GetString(0), r.GetString(1), r.GetInt64(2), r.GetDouble(3)));
        var waiting = session.Query(
            new NpgsqlBatchCommand("""
                select pool, count(*), greatest(max(extract(epoch from clock_timestamp() - requested_at)), 0)::float8
                  from framelease.leases where state = 'Pending' group by pool order by pool
                """),
            r => new QueueLength(r.GetString(0), r.GetInt64(1), r.GetDouble(2)));
        var attached = session.Query(
            new NpgsqlBatchCommand("""
                select count(*), coalesce(max(silent), 0)::float8, coalesce(max(silent / timeout), 0)::float8
                  from (select greatest(extract(epoch from clock_timestamp() - l.beat_at), 0) as silent, a.timeout
                          from framelease.attempts a join framelease.liveness l using (task_uid, scene, attempt)
                         where a.state = 'Attached'
                         union all
                        select greatest(extract(epoch from clock_timestamp() - h.beat_at), 0), h.timeout
                          from framelease.leases g join framelease.holders h on h.lease_uid = g.uid
                         where g.state in ('Granted', 'Draining')) as x
                """),
            r => new AttachedState(r.GetInt64(0), r.GetDouble(1), r.GetDouble(2)));
        var devices = session.Query(
            new NpgsqlBatchCommand($"""
                select distinct on (s.node, s.device) s.pool, s.node, s.device, {TelemetryColumns}
                  from framelease.slots s {TelemetryJoin}
                 where s.state = 'Granted' and b.beat_at is not null order by s.node, s.device, b.beat_at desc
                """),
            r => Device(r, 3) is { } told ? new DeviceState(r.GetString(0), r.GetString(1), r.GetString(2), told) : null);
        var deadlocked = session.Query(
            new NpgsqlBatchCommand("""
                select pool, count(*), greatest(max(extract(epoch from clock_timestamp() - detected_at)), 0)::float8
                  from framelease.leases where state in ('Granted', 'Draining') and detected_at is not null group by pool order by pool
                """),
            r => new QueueLength(r.GetString(0), r.GetInt64(1), r.GetDouble(2)));
        var fitness = session.Query(
            new NpgsqlBatchCommand(FitnessSql), r => new FitnessCount(r.GetString(0), r.GetString(1), r.GetInt64(2), Text(r, 3)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new PlatformState(now.Rows[0].Now, slots.Rows, waiting.Rows, attached.Rows[0], now.Rows[0].Position)
        {
            Devices = [.. devices.Rows.OfType<DeviceState>()],
            Fitness = fitness.Rows,
            Deadlocked = deadlocked.Rows,
        };
    }

    Task<IReadOnlyList<T>> RowsAsync<T>(string sql, Func<DbDataReader, T> map, CancellationToken cancel) =>
        RowsAsync(new NpgsqlBatchCommand(sql), map, cancel);

    async Task<IReadOnlyList<T>> RowsAsync<T>(NpgsqlBatchCommand command, Func<DbDataReader, T> map, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var query = session.Query(command, map);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return query.Rows;
    }
}
