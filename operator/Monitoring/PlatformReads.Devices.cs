// What holders tell of their devices: beside the log, with their beats.
using System.Data.Common;

namespace Framelease.Operator.Monitoring;

sealed partial class PlatformReads
{
    const string TelemetryColumns =
        "b.utilisation, b.memory_used, b.memory_total, b.temperature, "
        + "greatest(extract(epoch from clock_timestamp() - b.beat_at), 0)::float8";

    /// <summary>The last beat of whoever holds slot <c>s</c>, with a task or without.</summary>
    const string TelemetryJoin = """
        left join lateral (
          select l.utilisation, l.memory_used, l.memory_total, l.temperature, l.beat_at
            from framelease.attempts a join framelease.liveness l using (task_uid, scene, attempt)
           where a.lease_uid = s.lease_uid and s.state = 'Granted'
           union all
          select h.utilisation, h.memory_used, h.memory_total, h.temperature, h.beat_at
            from framelease.holders h where h.lease_uid = s.lease_uid and s.state = 'Granted'
           limit 1) as b on true
        """;

    const string HealthColumns = "nullif(d.fitness, 'Healthy'), d.found_by, d.reason, d.failures, d.since";

    const string HealthJoin =
        "left join framelease.devices d on d.cluster = s.cluster and d.node = s.node and d.device = s.device";

    const string FitnessSql = $"""
        select pool, fitness, count(*),
               (array_agg(node || '/' || device || coalesce(': ' || reason, '') order by since) filter (where fitness <> 'Healthy'))[1]
          from (select distinct s.pool, s.node, s.device, coalesce(d.fitness, 'Healthy') as fitness, d.reason, d.since
                  from framelease.slots s {HealthJoin} where s.pool <> '') as x
         group by pool, fitness order by pool, fitness
        """;

    static DeviceHealthNow? Health(DbDataReader r, int at) => r.IsDBNull(at)
        ? null
        : new DeviceHealthNow(
            r.GetString(at), Text(r, at + 1), Text(r, at + 2), r.GetInt32(at + 3), r.GetFieldValue<DateTimeOffset>(at + 4));

    static DeviceNow? Device(DbDataReader r, int at) =>
        r.IsDBNull(at) && r.IsDBNull(at + 1) && r.IsDBNull(at + 2) && r.IsDBNull(at + 3)
            ? null
            : new DeviceNow(
                r.IsDBNull(at) ? null : r.GetInt32(at), r.IsDBNull(at + 1) ? null : r.GetInt64(at + 1), r.IsDBNull(at + 2) ? null : r.GetInt64(at + 2),
                r.IsDBNull(at + 3) ? null : r.GetInt32(at + 3), r.GetDouble(at + 4));
}
