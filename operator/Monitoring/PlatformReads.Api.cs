// What the monitoring API and the lists ask for.
using System.Data.Common;
using Framelease.Operator.Ledger.Sql;
using Npgsql;

namespace Framelease.Operator.Monitoring;

sealed partial class PlatformReads
{
    /// <summary>Most workers in one answer.</summary>
    const int MostWorkers = 5000;

    const int MostSlots = 10_000;

    const string LeaseColumns = """
        l.uid, l.namespace, l.name, l.pool, l.holder,
        case when l.quarantined_at is not null and l.freed_at is null then 'Quarantined'
             when l.ending = 'Released' and l.freed_at is null then 'Releasing' when l.ending is not null then l.ending
             when l.drain_at is not null then 'Draining' when l.granted_at is not null then 'Granted' else 'Pending' end as state,
        nullif(l.cause, ''), l.node, l.device, l.slot, l.token, l.requested_at, l.granted_at, l.attached_at, l.ended_at, l.freed_at,
        l.proof, l.requested_seq
        """;

    public async Task<MonitoringFacts> ReadFactsAsync(int minutes, CancellationToken cancel)
    {
        var state = await ReadStateAsync(cancel);
        var recent = await RowsAsync(
            Statement.Of(
                """
                select pool, count(*) filter (where granted_at > w.since),
                       count(*) filter (where ending = 'GaveUp' and ended_at > w.since),
                       count(*) filter (where ending = 'GaveUp' and ended_at > w.since and cause = 'MaxWaitExceeded'),
                       count(*) filter (where ending = 'Expired' and ended_at > w.since and cause <> 'PodEnded'),
                       count(*) filter (where ending = 'Expired' and ended_at > w.since and cause = 'HeartbeatLost'),
                       count(*) filter (where came_back and cause = 'HeartbeatLost')
                  from framelease.lease_spans, (select clock_timestamp() - make_interval(mins => $1) as since) as w
                 where granted_at > w.since or ended_at > least(w.since, clock_timestamp() - interval '1 hour')
                 group by pool order by pool
                """,
                minutes),
            r => new RecentDecisions(
                r.GetString(0), r.GetInt64(1), r.GetInt64(2), r.GetInt64(3), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6)),
            cancel);
        return new MonitoringFacts(state, recent);
    }

    public async Task<RecentGrants> ReadRecentAsync(int leases, CancellationToken cancel) =>
        (await RowsAsync(
            Statement.Of(
                """
                select clock_timestamp(), count(*), count(granted_at)
                  from (select granted_at from framelease.lease_spans where granted_at is not null or ended_at is not null
                         order by requested_seq desc limit $1) as l
                """,
                leases),
            r => new RecentGrants(r.GetFieldValue<DateTimeOffset>(0), r.GetInt64(1), r.GetInt64(2)), cancel)).Single();

    public async Task<LongestHolder?> ReadLongestHolderAsync(CancellationToken cancel) =>
        (await RowsAsync(
            """
            select case holder when 'by hand' then 'GpuLease ' || namespace || '/' || name else holder end,
                   greatest(extract(epoch from clock_timestamp() - granted_at), 0)::float8
              from framelease.lease_spans
             where granted_at is not null and ended_at is null order by granted_at limit 1
            """,
            r => new LongestHolder(r.GetString(0), r.GetDouble(1)), cancel)).FirstOrDefault();

    // Orphaned before dead before active: who has no right to work any more is never just silent.
    public Task<IReadOnlyList<WorkerRow>> ReadWorkersAsync(CancellationToken cancel) => RowsAsync(
        $"""
        select a.task_uid || case when a.scene = 0 then '' else '/' || a.scene end,
               case when t.phase in ('Succeeded', 'Failed', 'Cancelled') or g.state is not null and g.state not in ('Granted', 'Draining') then 'Orphaned'
                    when extract(epoch from clock_timestamp() - l.beat_at) >= a.timeout then 'Dead' else 'Active' end,
               l.per_mille, l.message, l.beat_at
          from framelease.attempts a
          join framelease.liveness l using (task_uid, scene, attempt)
          join framelease.tasks t on t.uid = a.task_uid
          left join framelease.leases g on g.uid = a.lease_uid
         where a.state = 'Attached'
         union all
        select g.uid, case when extract(epoch from clock_timestamp() - h.beat_at) >= h.timeout then 'Dead' else 'Active' end,
               h.per_mille, h.message, h.beat_at
          from framelease.leases g join framelease.holders h on h.lease_uid = g.uid
         where g.state in ('Granted', 'Draining')
         union all
        select coalesce(s.task_uid, s.uid) || case when s.scene = 0 then '' else '/' || s.scene end, 'Dead', 0, null, s.ended_at
          from framelease.lease_spans s
         where s.granted_at is not null and s.freed_at is null and s.cause = 'HeartbeatLost'
         limit {MostWorkers}
        """,
        r => new WorkerRow(
            r.GetString(0), Enum.Parse<WorkerKind>(r.GetString(1)), r.GetInt32(2), Text(r, 3), r.GetFieldValue<DateTimeOffset>(4)),
        cancel);

    public async Task<MonitorChecks> ReadChecksAsync(CancellationToken cancel) =>
        (await RowsAsync(
            """
            select checks, unhealthy, warnings,
                   case when checks = 0 then 1e9 else extract(epoch from clock_timestamp() - checked_at)::float8 end
              from framelease.monitor
            """,
            r => new MonitorChecks(r.GetInt64(0), r.GetInt64(1), r.GetInt64(2), r.GetDouble(3)), cancel)).Single();

    public Task<IReadOnlyList<SlotRow>> ReadSlotsAsync(CancellationToken cancel) => RowsAsync(
        $"""
        select s.pool, s.node, s.device, s.device_index, s.slot, s.device_name, s.device_kind, s.state, s.reason, s.token, s.lease_uid,
               l.holder, s.changed_at, {TelemetryColumns},
               coalesce(s.out_of_service, case d.fitness when 'Degraded' then 'Degraded' end), {HealthColumns}
          from framelease.slots s left join framelease.lease_spans l on l.uid = s.lease_uid {TelemetryJoin} {HealthJoin}
         where s.pool <> '' order by s.pool, s.node, s.device_index, s.device, s.slot limit {MostSlots}
        """,
        r => new SlotRow(
            r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3), r.GetInt32(4), r.GetString(5), r.GetString(6), r.GetString(7),
                Text(r, 8),
            r.GetInt64(9), Text(r, 10), Text(r, 11), r.GetFieldValue<DateTimeOffset>(12), Device(r, 13), Text(r, 18),
                Health(r, 19)),
        cancel);

    public Task<IReadOnlyList<LeaseRow>> ReadLeasesAsync(LeaseFilter filter, CancellationToken cancel) => RowsAsync(
        Statement.Of(
            $"""
            select * from (select {LeaseColumns} from framelease.lease_spans l
              where ($1::varchar is null or l.namespace = $1) and ($2::varchar is null or l.pool = $2) and l.requested_seq < $4) as l
             where $3::varchar is null or l.state = $3 order by l.requested_seq desc limit $5
            """,
            filter.Namespace, filter.Pool, filter.State, filter.Before ?? long.MaxValue, filter.Limit),
        Lease, cancel);

    public Task<IReadOnlyList<LeaseRow>> ReadHoldersAsync(string pool, string device, DateTimeOffset at, CancellationToken cancel)
    {
        var command = Statement.Of(
            $"""
            select {LeaseColumns} from framelease.lease_spans l
             where l.device = $1 and l.pool = $2 and l.granted_at <= $3 and (l.freed_at is null or l.freed_at > $3)
             order by l.slot, l.granted_at limit 100
            """,
            device, pool);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = at.ToUniversalTime() });
        return RowsAsync(command, Lease, cancel);
    }

    static LeaseRow Lease(DbDataReader r) => new(
        r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), Text(r, 6), Text(r, 7), Text(r, 8),
        r.IsDBNull(9) ? null : r.GetInt32(9), r.IsDBNull(10) ? null : r.GetInt64(10), r.GetFieldValue<DateTimeOffset>(11), Time(r, 12),
            Time(r, 13),
        Time(r, 14), Time(r, 15), Text(r, 16), r.GetInt64(17));

    static string? Text(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);

    static DateTimeOffset? Time(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetFieldValue<DateTimeOffset>(at);
}
