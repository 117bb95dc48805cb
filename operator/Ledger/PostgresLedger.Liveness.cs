// Beats, and the look at everything whose silence, stall or holding time counts.
using System.Data.Common;
using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger.Sql;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    // What counts as a move: frames, bytes, per mille, another phase. An upload and a completion move by nature: the worker has patience of
    // its own for a store that refuses. A download tells of its bytes in the message alone.
    const string Moved =
        "(l.phase <> $8 or l.frames <> $9 or l.per_mille <> $13 or l.output_bytes <> $14 or $8 in ('Uploading', 'Completing') "
        + "or $8 = 'Fetching' and l.message is distinct from $15)";

    /// <summary>Seconds until force, while the holder is to end.</summary>
    const string DrainLeft = """
        case when g.drain_at is not null then
          greatest(1, ceil(extract(epoch from g.drain_at + make_interval(secs => g.drain_seconds) - clock_timestamp())))::integer end
        """;

    const string BeatSql = $"""
        with held as (
          select a.task_uid, a.scene, a.attempt, a.timeout, g.drain_message, {DrainLeft} as drain_left
            from framelease.attempts a
            left join framelease.slots s on s.lease_uid = a.lease_uid and s.state = 'Granted'
            left join framelease.leases g on g.uid = a.lease_uid
           where a.task_uid = $1 and a.scene = $2 and a.attempt = $3 and a.pod_uid = $4 and a.state = 'Attached'
             and ($5::varchar is null and a.lease_uid is null or a.lease_uid = $5 and s.token = $6)
             for share of a),
        beaten as (
          update framelease.liveness l
             set sequence = $7, beat_at = clock_timestamp(), phase = $8, frames = $9, total_frames = $10, fps_millis = $11,
                 speed_millis = $12, per_mille = $13, output_bytes = $14, message = $15, utilisation = $16, memory_used = $17,
                 memory_total = $18, temperature = $19, progress = l.progress + {Moved}::integer,
                 progress_at = case when {Moved} then clock_timestamp() else l.progress_at end,
                 drain_told_at = coalesce(l.drain_told_at, case when held.drain_left is not null then clock_timestamp() end)
            from held
           where l.task_uid = held.task_uid and l.scene = held.scene and l.attempt = held.attempt and l.sequence < $7
          returning 1)
        select h.timeout, (select count(*) from beaten), h.drain_left, h.drain_message from (select 1) one left join held h on true
        """;

    // A holder without a task that never told of progress cannot stall: its program has no way to tell, or uses none.
    const string HeldSql = $"""
        select g.uid, g.granted_at, g.warned_at, g.stalled_at, g.drain_at, g.drain_cause, g.drain_seconds,
               coalesce(l.drain_told_at, h.drain_told_at),
               g.warning, g.soft, g.hard, case when h.progress = 0 then 0 else g.progress_timeout end, g.drain_grace,
               coalesce(l.progress, h.progress, 0),
               coalesce(extract(epoch from clock_timestamp() - coalesce(l.progress_at, h.progress_at)), 0)::float8,
               {AttemptColumns}, g.detect_only, g.detected_at is not null
          from framelease.leases g
          left join framelease.attempts a on a.lease_uid = g.uid
          left join framelease.liveness l on l.task_uid = a.task_uid and l.scene = a.scene and l.attempt = a.attempt
          left join framelease.holders h on h.lease_uid = g.uid
         where g.state in ('Granted', 'Draining') and g.attached
        """;

    public async Task<BeatOutcome> BeatAsync(Heartbeat b, CancellationToken cancel)
    {
        var row = (await RowsAsync(
            Statement.Of(
                BeatSql, b.TaskUid, b.Scene, b.Attempt, b.PodUid, b.LeaseUid, b.Token, b.Sequence, b.Phase, b.Frames, b.TotalFrames,
                    b.FpsMillis,
                b.SpeedMillis, b.PerMille, b.OutputBytes, b.Message, Whole(b.Device?.UtilisationPercent), Big(b.Device?.MemoryUsedMiB),
                Big(b.Device?.MemoryTotalMiB), Whole(b.Device?.TemperatureCelsius)),
            Beaten,
            cancel)).Single();
        return row.Timeout is { } timeout ? Outcome(timeout, row.Beaten, row.Drain) : await WhyStaleAsync(b, cancel);
    }

    static (int? Timeout, long Beaten, DrainOrder? Drain) Beaten(DbDataReader r) =>
        (Number(r, 0), r.GetInt64(1), Number(r, 2) is { } left ? new DrainOrder(left, Text(r, 3) ?? "") : null);

    // Typed, so that PostgreSQL knows the column's type also of what was not told.
    static NpgsqlParameter Whole(int? value) => new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };

    static NpgsqlParameter Big(long? value) => new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint };

    static BeatOutcome Outcome(int timeout, long beaten, DrainOrder? drain) =>
        beaten > 0 ? new BeatOutcome.Taken(timeout, drain) : new BeatOutcome.Repeated(timeout, drain);

    async Task<BeatOutcome> WhyStaleAsync(Heartbeat b, CancellationToken cancel)
    {
        var why = (await RowsAsync(
            Statement.Of(
                """
                select a.state, l.state, s.token
                  from framelease.attempts a
                  left join framelease.leases l on l.uid = a.lease_uid
                  left join framelease.slots s on s.lease_uid = a.lease_uid
                 where a.pod_uid = $1
                """,
                b.PodUid),
            r => (Attempt: r.GetString(0), Lease: Text(r, 1), Token: r.IsDBNull(2) ? (long?)null : r.GetInt64(2)),
                cancel)).FirstOrDefault();
        var text = why.Attempt is null
            ? "no attempt is on record for this pod"
            : $"the attempt is {why.Attempt}{(why.Lease is null ? "" : $", its lease {why.Lease}")}";
        return new BeatOutcome.Stale(text, why.Token);
    }

    public async Task<BeatGlance> ReadBeatsAsync(DateTimeOffset since, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(Statement.Of("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        var from = new NpgsqlParameter<DateTimeOffset> { TypedValue = since };
        var beaten = session.Query(Statement.Of(AttachedSql("and beat_at >= $1"), from), Attached);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new BeatGlance(now.Rows[0], beaten.Rows);
    }

    static string AttachedSql(string only) => $"""
        select a.task_uid, a.scene, a.attempt, a.pod_uid, a.lease_uid, l.sequence,
               extract(epoch from clock_timestamp() - l.beat_at)::float8, a.timeout, coalesce(g.pool, ''), coalesce(s.node, ''),
               coalesce(g.heartbeat_interval, 0), coalesce(g.detect_only and g.detected_at is not null, false)
          from framelease.attempts a join framelease.liveness l using (task_uid, scene, attempt)
          left join framelease.leases g on g.uid = a.lease_uid
          left join framelease.slots s on s.lease_uid = a.lease_uid
         where a.state = 'Attached' {only}
         union all
        select null, 0, 0, h.holder, g.uid, h.sequence, extract(epoch from clock_timestamp() - h.beat_at)::float8, h.timeout, g.pool,
               coalesce(s.node, ''), g.heartbeat_interval, g.detect_only and g.detected_at is not null
          from framelease.leases g join framelease.holders h on h.lease_uid = g.uid
          left join framelease.slots s on s.lease_uid = g.uid
         where g.state in ('Granted', 'Draining') {only}
        """;

    static AttachedRow Attached(DbDataReader r) => new(
        Text(r, 0), r.GetInt32(1), r.GetInt32(2), r.GetString(3), Text(r, 4), r.GetInt64(5), r.GetDouble(6), r.GetInt32(7), r.GetString(8),
        r.GetString(9), r.GetInt32(10), r.GetBoolean(11));

    public async Task<LivenessLook> ReadLivenessAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(Statement.Of("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        var attached = session.Query(Statement.Of(AttachedSql("")), Attached);
        var unattached = session.Query(
            Statement.Of(
                $"""
                select g.uid, extract(epoch from clock_timestamp() - g.granted_at)::float8, g.start_deadline, {AttemptColumns}
                  from framelease.leases g left join framelease.attempts a on a.lease_uid = g.uid and a.state = 'Started'
                 where g.state = 'Granted' and not g.attached
                """),
            r => new UnattachedRow(r.GetString(0), r.GetDouble(1), r.GetInt32(2), r.IsDBNull(3) ? null : Attempt(r, 3)));
        var held = session.Query(Statement.Of(HeldSql), Held);
        var delayed = session.Query(
            Statement.Of(
                """
                select l.uid, extract(epoch from clock_timestamp() - s.changed_at)::float8, l.lock_delay
                  from framelease.slots s join framelease.leases l on l.uid = s.lease_uid
                 where s.state = 'Quarantined' and l.lock_delay > 0
                """),
            r => new DelayedRow(r.GetString(0), r.GetDouble(1), r.GetInt32(2)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new LivenessLook(now.Rows[0], attached.Rows, unattached.Rows, held.Rows, delayed.Rows);
    }

    // A lease of before graded terms has no grace, and so no grades.
    static HeldRow Held(DbDataReader r)
    {
        var drain = Time(r, 4) is { } at ? new DrainOnRecord(at, Enum.Parse<DrainCause>(r.GetString(5)), r.GetInt32(6)) : null;
        var terms = r.GetInt32(12) > 0 ? new GradeTerms(r.GetInt32(8), r.GetInt32(9), r.GetInt32(10), r.GetInt32(11), r.GetInt32(12))
            : null;
        return new HeldRow(
            r.GetString(0), r.IsDBNull(15) ? null : Attempt(r, 15),
                new HoldTimes(Time(r, 1)!.Value, Time(r, 2), Time(r, 3), drain, Time(r, 7), r.GetBoolean(24), r.GetBoolean(25)), terms,
            r.GetInt64(13), r.GetDouble(14));
    }

    static DateTimeOffset? Time(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetFieldValue<DateTimeOffset>(at);

    static int? Number(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetInt32(at);
}
