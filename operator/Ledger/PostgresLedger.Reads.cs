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
        "s.cluster, s.node, s.device, s.slot, s.pool, s.state, s.token, s.lease_uid, s.device_name, s.device_kind, s.device_index, "
        + "s.memory, s.encode, s.decode, coalesce(s.out_of_service, case d.fitness when 'Degraded' then 'Degraded' end), "
        + "coalesce(s.reason, s.out_reason, d.reason), coalesce(d.fitness = 'Probation', false)";

    const int SlotColumnCount = 17;

    /// <summary>Slots with the health of their devices, which few devices have a row of.</summary>
    const string Slots =
        "framelease.slots s left join framelease.devices d on d.cluster = s.cluster and d.node = s.node and d.device = s.device";

    public async Task<AttemptRow?> FindAttemptByPodAsync(string podUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.pod_uid = $1", podUid), r => Attempt(r, 0), cancel)).FirstOrDefault();

    public async Task<AttemptRow?> FindAttemptByLeaseAsync(string leaseUid, CancellationToken cancel) =>
        (await RowsAsync(Statement.Of($"select {AttemptColumns} from framelease.attempts a where a.lease_uid = $1", leaseUid), r =>
            Attempt(r, 0), cancel))
        .FirstOrDefault();

    public Task<IReadOnlyList<HeldSlot>> ReadHeldSlotsAsync(string node, CancellationToken cancel) => RowsAsync(
        Statement.Of(
            $"""
            select {SlotColumns}, {AttemptColumns}
              from {Slots} left join framelease.attempts a on a.lease_uid = s.lease_uid
             where s.cluster = $1 and s.node = $2 and s.lease_uid is not null order by s.device, s.slot
            """,
            cluster.Uid, node),
        HeldSlotOf, cancel);

    static HeldSlot HeldSlotOf(DbDataReader r) => new(Slot(r), r.IsDBNull(SlotColumnCount) ? null : Attempt(r, SlotColumnCount));

    public async Task<SlotSnapshot?> FindSlotAsync(string node, string device, int slot, CancellationToken cancel) => (await RowsAsync(
        Statement.Of(
            $"select {SlotColumns} from {Slots} where s.cluster = $1 and s.node = $2 and s.device = $3 and s.slot = $4",
            cluster.Uid, node, device, slot),
        Slot, cancel)).FirstOrDefault();

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

    public Task<IReadOnlyList<NamedStream>> ReadRunningTasksAsync(string after, int limit, CancellationToken cancel) => RowsAsync(
        Statement.Of(
            """
            select uid, namespace, name from framelease.tasks where phase in ('Accepted', 'Admitted') and uid > $1 order by uid limit $2
            """,
            after, limit),
        r => new NamedStream(r.GetString(0), r.GetString(1), r.GetString(2)), cancel);

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

    Task<IReadOnlyList<T>> RowsAsync<T>(NpgsqlBatchCommand command, Func<DbDataReader, T> map, CancellationToken cancel) =>
        LedgerErrors.Map(() => store.QueryAsync(command, map, cancel));

    static SlotSnapshot Slot(DbDataReader r) => new(
        new SlotKey(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt32(3)), r.GetString(4), Enum.Parse<SlotState>(r.GetString(5)),
        r.GetInt64(6), Text(r, 7), r.GetString(8), r.GetString(9), r.GetInt32(10))
    {
        Traits = new DeviceTraits(r.GetInt32(11), r.GetInt32(12), r.GetInt32(13), Text(r, 14), Text(r, 15))
        {
            OnProbation = r.GetBoolean(16),
        },
    };

    static AttemptRow Attempt(DbDataReader r, int at) => new(
        r.GetString(at), r.GetInt32(at + 1), r.GetInt32(at + 2), r.GetString(at + 3), r.GetString(at + 4), r.GetString(at + 5), r.GetString(at + 6),
        Text(r, at + 7), r.GetInt64(at + 8));

    static string? Text(DbDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);
}
