// Reads and single-statement writes of the ledger: slots, liveness, views.
using System.Data.Common;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger.Sql;
using Npgsql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    const string AttemptColumns = "a.task_uid, a.scene, a.attempt, a.pod_uid, a.pod_name, a.namespace, a.task_name, a.lease_uid, a.token";

    const string SlotColumns =
        "s.cluster, s.node, s.device, s.slot, s.pool, s.state, s.token, s.lease_uid, s.device_name, s.device_kind, s.device_index";

    const int SlotColumnCount = 11;

    const string BeatSql = """
        with held as (
          select a.task_uid, a.scene, a.attempt, a.timeout
            from framelease.attempts a
            left join framelease.slots s on s.lease_uid = a.lease_uid and s.state = 'Granted'
           where a.task_uid = $1 and a.scene = $2 and a.attempt = $3 and a.pod_uid = $4 and a.state = 'Attached'
             and ($5::varchar is null and a.lease_uid is null or a.lease_uid = $5 and s.token = $6)
             for share of a),
        beaten as (
          update framelease.liveness l
             set sequence = $7, beat_at = clock_timestamp(), phase = $8, frames = $9, total_frames = $10, fps_millis = $11, speed_millis = $12,
                 per_mille = $13, output_bytes = $14, message = $15
            from held
           where l.task_uid = held.task_uid and l.scene = held.scene and l.attempt = held.attempt and l.sequence < $7
          returning 1)
        select (select timeout from held), (select count(*) from beaten)
        """;

    public async Task<AttemptRow?> FindAttemptByPodAsync(string podUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.pod_uid = $1", podUid), r => Attempt(r, 0), cancel)).FirstOrDefault();

    public async Task<AttemptRow?> FindAttemptByLeaseAsync(string leaseUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.lease_uid = $1", leaseUid), r => Attempt(r, 0), cancel))
        .FirstOrDefault();

    public async Task<SlotSnapshot?> FindSlotAsync(string node, string device, int slot, CancellationToken cancel) => (await RowsAsync(
        Statement.Of(
            $"select {SlotColumns} from framelease.slots s where s.cluster = $1 and s.node = $2 and s.device = $3 and s.slot = $4",
            cluster.Uid, node, device, slot),
        Slot, cancel)).FirstOrDefault();

    public async Task<BeatOutcome> BeatAsync(Heartbeat b, CancellationToken cancel)
    {
        var row = (await RowsAsync(
            Statement.Of(
                BeatSql, b.TaskUid, b.Scene, b.Attempt, b.PodUid, b.LeaseUid, b.Token, b.Sequence, b.Phase, b.Frames, b.TotalFrames, b.FpsMillis,
                b.SpeedMillis, b.PerMille, b.OutputBytes, b.Message),
            r => (Timeout: r.IsDBNull(0) ? (int?)null : r.GetInt32(0), Beaten: r.GetInt64(1)), cancel)).Single();
        if (row.Timeout is not { } timeout)
            return await WhyStaleAsync(b, cancel);
        return row.Beaten > 0 ? new BeatOutcome.Taken(timeout) : new BeatOutcome.Repeated(timeout);
    }

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
            r => (Attempt: r.GetString(0), Lease: Text(r, 1), Token: r.IsDBNull(2) ? (long?)null : r.GetInt64(2)), cancel)).FirstOrDefault();
        var text = why.Attempt is null ? "no attempt is on record for this pod" : $"the attempt is {why.Attempt}{(why.Lease is null ? "" : $", its lease {why.Lease}")}";
        return new BeatOutcome.Stale(text, why.Token);
    }

    public async Task<LivenessLook> ReadLivenessAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(Statement.Of("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        var attached = session.Query(
            Statement.Of(
                """
                select a.task_uid, a.scene, a.attempt, a.pod_uid, a.lease_uid, l.sequence, extract(epoch from clock_timestamp() - l.beat_at)::float8, a.timeout
                  from framelease.attempts a join framelease.liveness l using (task_uid, scene, attempt)
                 where a.state = 'Attached'
                """),
            r => new AttachedRow(r.GetString(0), r.GetInt32(1), r.GetInt32(2), r.GetString(3), Text(r, 4), r.GetInt64(5), r.GetDouble(6), r.GetInt32(7)));
        var unattached = session.Query(
            Statement.Of(
                $"""
                select g.uid, extract(epoch from clock_timestamp() - g.granted_at)::float8, g.start_deadline, {AttemptColumns}
                  from framelease.leases g left join framelease.attempts a on a.lease_uid = g.uid and a.state = 'Started'
                 where g.state = 'Granted' and not g.attached
                """),
            r => new UnattachedRow(r.GetString(0), r.GetDouble(1), r.GetInt32(2), r.IsDBNull(3) ? null : Attempt(r, 3)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new LivenessLook(now.Rows[0], attached.Rows, unattached.Rows);
    }

    public async Task<PoolSnapshot> ReadPoolAsync(string pool, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(Statement.Of("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        var waiting = session.Query(
            Statement.Of(
                """
                select uid, namespace, name, extract(epoch from clock_timestamp() - requested_at)::float8, max_wait
                  from framelease.leases where pool = $1 and state = 'Pending' order by requested_at, uid
                """,
                pool),
            r => new WaitingRow(r.GetString(0), r.GetString(1), r.GetString(2), r.GetDouble(3), r.GetInt32(4)));
        var slots = session.Query(
            Statement.Of(
                $"select {SlotColumns} from framelease.slots s where s.pool = $1 and s.cluster = $2 order by s.node, s.device, s.slot", pool, cluster.Uid),
            Slot);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new PoolSnapshot(waiting.Rows, slots.Rows, now.Rows[0]);
    }

    // A slot that is not Free is never removed and never changes its pool: somebody may still be on it. Tokens survive a device's absence, because a slot that
    // vanished keeps its row under pool '' (no pool has that name).
    public async Task SyncDevicesAsync(string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch, CancellationToken cancel)
    {
        var known = (await ReadPoolAsync(pool, cancel)).Slots.ToDictionary(s => s.Key);
        var gone = known.Values.Where(k => k.State is SlotState.Free && found.All(f => f.Key != k.Key)).ToList();
        var added = found.Where(f => !known.ContainsKey(f.Key)).ToList();
        if (gone.Count == 0 && added.Count == 0)
            return;
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        foreach (var s in gone)
        {
            session.Write(Statement.Of(
                "update framelease.slots set pool = '' where cluster = $1 and node = $2 and device = $3 and slot = $4 and state = 'Free'",
                s.Key.Cluster, s.Key.Node, s.Key.Device, s.Key.Slot));
        }

        foreach (var s in added)
        {
            session.Write(Statement.Of(
                """
                insert into framelease.slots (cluster, node, device, slot, pool, device_name, device_kind, device_index)
                values ($1, $2, $3, $4, $5, $6, $7, $8)
                on conflict (cluster, node, device, slot) do update set pool = excluded.pool, device_name = excluded.device_name,
                  device_kind = excluded.device_kind, device_index = excluded.device_index
                  where framelease.slots.state = 'Free' or framelease.slots.pool = ''
                """,
                s.Key.Cluster, s.Key.Node, s.Key.Device, s.Key.Slot, pool, s.DeviceName, s.DeviceKind, s.DeviceIndex));
        }

        foreach (var device in added.GroupBy(s => (s.Key.Node, s.Key.Device)))
        {
            var first = device.First();
            session.AppendAny(
                DeviceStream(first.Key.Device),
                new DeviceDiscovered(cluster.Uid, first.Key.Node, first.Key.Device, first.DeviceName, first.DeviceKind, first.DeviceIndex, pool, device.Count()));
        }

        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    public Task<IReadOnlyList<ProgressRow>> ReadProgressAsync(string taskUid, CancellationToken cancel) => RowsAsync(
        Statement.Of(
            """
            select scene, attempt, phase, frames, total_frames, fps_millis, speed_millis, per_mille, output_bytes, message,
                   extract(epoch from clock_timestamp() - beat_at)::float8
              from framelease.liveness where task_uid = $1 order by scene, attempt desc
            """,
            taskUid),
        r => new ProgressRow(
            r.GetInt32(0), r.GetInt32(1), r.GetString(2), r.GetInt64(3), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6), r.GetInt32(7), r.GetInt64(8), Text(r, 9),
            r.GetDouble(10)),
        cancel);

    public async Task<NamedStream?> FindByNameAsync(string kind, string? ns, string name, CancellationToken cancel)
    {
        var (table, order) = kind == "lease" ? ("leases", "requested_at") : ("tasks", "created_at");
        return (await RowsAsync(
            Statement.Of(
                $"select uid, namespace, name from framelease.{table} where (name = $2 and ($1::varchar is null or namespace = $1)) or uid = $2 order by {order} desc limit 1",
                ns, name),
            r => new NamedStream(r.GetString(0), r.GetString(1), r.GetString(2)), cancel)).FirstOrDefault();
    }

    public Task<DateTimeOffset> NowAsync(CancellationToken cancel) => LedgerErrors.Map(() => clock.NowAsync(cancel));

    /// <summary>A key that all replicas share: the one on record, or the proposed one if there is none yet.</summary>
    public async Task<byte[]> SigningKeyAsync(string purpose, byte[] proposed, CancellationToken cancel) =>
        (await RowsAsync(
            Statement.Of(
                """
                insert into framelease.signing_keys as k (purpose, key) values ($1, $2)
                on conflict (purpose) do update set key = k.key returning key
                """,
                purpose, proposed),
            r => (byte[])r.GetValue(0), cancel)).Single();

    async Task<IReadOnlyList<T>> RowsAsync<T>(NpgsqlBatchCommand command, Func<DbDataReader, T> map, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var query = session.Query(command, map);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return query.Rows;
    }

    static SlotSnapshot Slot(DbDataReader r) => new(
        new SlotKey(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3)), r.GetString(4), Enum.Parse<SlotState>(r.GetString(5)), r.GetInt64(6),
        Text(r, 7), r.GetString(8), r.GetString(9), r.GetInt32(10));

    static AttemptRow Attempt(DbDataReader r, int at) => new(
        r.GetString(at), r.GetInt32(at + 1), r.GetInt32(at + 2), r.GetString(at + 3), r.GetString(at + 4), r.GetString(at + 5), r.GetString(at + 6),
        Text(r, at + 7), r.GetInt64(at + 8));

    static string? Text(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);
}
