// Reads and single-statement writes of the ledger: slots and views.
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

    public async Task<AttemptRow?> FindAttemptByPodAsync(string podUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.pod_uid = $1", podUid), r => Attempt(r, 0), cancel)).FirstOrDefault();

    public async Task<AttemptRow?> FindAttemptByLeaseAsync(string leaseUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.lease_uid = $1", leaseUid), r =>
            Attempt(r, 0), cancel))
        .FirstOrDefault();

    public async Task<SlotSnapshot?> FindSlotAsync(string node, string device, int slot, CancellationToken cancel) => (await RowsAsync(
        Statement.Of(
            $"select {SlotColumns} from framelease.slots s where s.cluster = $1 and s.node = $2 and s.device = $3 and s.slot = $4",
            cluster.Uid, node, device, slot),
        Slot, cancel)).FirstOrDefault();

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
                $"select {SlotColumns} from framelease.slots s where s.pool = $1 and s.cluster = $2 order by s.node, s.device, s.slot",
                    pool, cluster.Uid),
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
        new SlotKey(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3)), r.GetString(4), Enum.Parse<SlotState>(r.GetString(5)),
            r.GetInt64(6),
        Text(r, 7), r.GetString(8), r.GetString(9), r.GetInt32(10));

    static AttemptRow Attempt(DbDataReader r, int at) => new(
        r.GetString(at), r.GetInt32(at + 1), r.GetInt32(at + 2), r.GetString(at + 3), r.GetString(at + 4), r.GetString(at + 5), r.GetString(at + 6),
        Text(r, at + 7), r.GetInt64(at + 8));

    static string? Text(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);
}
