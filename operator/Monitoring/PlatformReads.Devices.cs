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

    static DeviceNow? Device(DbDataReader r, int at) =>
        r.IsDBNull(at) && r.IsDBNull(at + 1) && r.IsDBNull(at + 2) && r.IsDBNull(at + 3)
            ? null
            : new DeviceNow(
                r.IsDBNull(at) ? null : r.GetInt32(at), r.IsDBNull(at + 1) ? null : r.GetInt64(at + 1), r.IsDBNull(at + 2) ? null : r.GetInt64(at + 2),
                r.IsDBNull(at + 3) ? null : r.GetInt32(at + 3), r.GetDouble(at + 4));
}
