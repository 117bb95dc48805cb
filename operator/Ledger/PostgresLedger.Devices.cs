// Slots come, go, and go out of service as the nodes and the pool's spec say.
using System.Data.Common;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    /// <summary>Devices whose slots and events are one transaction: far below what a session holds, however many slots each has.</summary>
    const int DevicesAtOnce = 200;

    const string FoundSlots = """
        unnest($1::varchar[], $2::varchar[], $3::varchar[], $4::int[], $5::varchar[], $6::varchar[], $7::int[], $8::int[], $9::int[],
          $10::int[], $11::varchar[], $12::varchar[])
          as found (cluster, node, device, slot, device_name, device_kind, device_index, memory, encode, decode, out_of_service, out_reason)
        """;

    /// <summary>As <see cref="SlotColumns"/>, but as discovery left it: without what is known of the device's health.</summary>
    const string FoundBefore = """
        select s.cluster, s.node, s.device, s.slot, s.pool, s.state, s.token, s.lease_uid, s.device_name, s.device_kind, s.device_index,
               s.memory, s.encode, s.decode, s.out_of_service, s.out_reason, false
          from framelease.slots s where s.pool = $1 and s.cluster = $2 order by s.node, s.device, s.slot
        """;

    // A slot that is not Free is never removed and never changes its pool: somebody may still be on it. Tokens survive a device's absence,
    // because a slot that vanished keeps its row under pool '' (no pool has that name).
    public async Task SyncDevicesAsync(string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch, CancellationToken cancel)
    {
        var known = (await RowsAsync(Statement.Of(FoundBefore, pool, cluster.Uid), Slot, cancel)).ToDictionary(s => s.Key);
        // A device stays in one piece: its event tells how many slots it has.
        foreach (var devices in Differences(known, found).GroupBy(d => (d.Key.Node, d.Key.Device)).Chunk(DevicesAtOnce))
        {
            var differences = devices.SelectMany(d => d).ToList();
            var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
            session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
            Write(session, pool, differences);
            Tell(session, pool, differences);
            await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        }
    }

    static IEnumerable<Difference> Differences(Dictionary<SlotKey, SlotSnapshot> known, IReadOnlyList<SlotSnapshot> found)
    {
        var keys = found.Select(f => f.Key).ToHashSet();
        var gone = known.Values.Where(k => k.State is SlotState.Free && !keys.Contains(k.Key));
        var others = found.Select(f => new Difference(f.Key, known.GetValueOrDefault(f.Key), f));
        return gone.Select(k => new Difference(k.Key, k, null)).Concat(others.Where(d => d.Before is null || Differ(d.Before, d.After!)));
    }

    static bool Differ(SlotSnapshot known, SlotSnapshot found) =>
        (known.DeviceName, known.DeviceKind, known.DeviceIndex) != (found.DeviceName, found.DeviceKind, found.DeviceIndex)
        || known.Traits with { Reason = null } != found.Traits with { Reason = null };

    static void Write(IEventSession session, string pool, List<Difference> differences)
    {
        if (differences.Where(d => d.IsGone).Select(d => d.Before!).ToList() is { Count: > 0 } gone)
            session.Write(Statement.Of(
                $"""
                update framelease.slots s set pool = '' from {FoundSlots}
                 where (s.cluster, s.node, s.device, s.slot) = (found.cluster, found.node, found.device, found.slot) and s.state = 'Free'
                """,
                Columns(gone)));
        if (differences.Where(d => d.IsNew).Select(d => d.After!).ToList() is { Count: > 0 } added)
            session.Write(Statement.Of(
                $"""
                insert into framelease.slots (cluster, node, device, slot, pool, device_name, device_kind, device_index, memory, encode,
                  decode, out_of_service, out_reason)
                select cluster, node, device, slot, $13, device_name, device_kind, device_index, memory, encode,
                  decode, out_of_service, out_reason from {FoundSlots}
                on conflict (cluster, node, device, slot) do update set pool = excluded.pool, device_name = excluded.device_name,
                  device_kind = excluded.device_kind, device_index = excluded.device_index, memory = excluded.memory,
                  encode = excluded.encode, decode = excluded.decode, out_of_service = excluded.out_of_service,
                  out_reason = excluded.out_reason
                  where framelease.slots.state = 'Free' or framelease.slots.pool = ''
                """,
                [.. Columns(added), pool]));
        if (differences.Where(d => d.IsChanged).Select(d => d.After!).ToList() is { Count: > 0 } changed)
            session.Write(Statement.Of(
                $"""
                update framelease.slots s set device_name = found.device_name, device_kind = found.device_kind,
                  device_index = found.device_index, memory = found.memory, encode = found.encode, decode = found.decode,
                  out_of_service = found.out_of_service, out_reason = found.out_reason
                  from {FoundSlots}
                 where (s.cluster, s.node, s.device, s.slot) = (found.cluster, found.node, found.device, found.slot)
                """,
                Columns(changed)));
    }

    static object?[] Columns(List<SlotSnapshot> slots)
    {
        T[] Of<T>(Func<SlotSnapshot, T> value) => [.. slots.Select(value)];
        return
        [
            Of(s => s.Key.Cluster), Of(s => s.Key.Node), Of(s => s.Key.Device), Of(s => s.Key.Slot),
            Of(s => s.DeviceName), Of(s => s.DeviceKind), Of(s => s.DeviceIndex),
            Of(s => s.Traits.MemoryMiB), Of(s => s.Traits.EncodeSessions), Of(s => s.Traits.DecodeSessions),
            Of(s => s.Traits.OutOfService!), Of(s => s.Traits.Reason!),
        ];
    }

    // One event for each device, whatever number of slots it has.
    void Tell(IEventSession session, string pool, List<Difference> differences)
    {
        foreach (var device in differences.Where(d => d.IsNew).GroupBy(d => (d.Key.Node, d.Key.Device)))
        {
            var first = device.First().After!;
            session.AppendAny(
                DeviceStream(first.Key.Device),
                new DeviceDiscovered(
                    cluster.Uid, first.Key.Node, first.Key.Device, first.DeviceName, first.DeviceKind, first.DeviceIndex, pool,
                        device.Count()));
            if (CordonEvent(first, null) is { } cordoned)
                session.AppendAny(DeviceStream(first.Key.Device), cordoned);
        }

        var served = differences.Where(d => d.IsChanged && d.Before!.Traits.OutOfService != d.After!.Traits.OutOfService);
        foreach (var device in served.GroupBy(d => (d.Key.Node, d.Key.Device)))
        {
            var (_, before, after) = device.First();
            if (CordonEvent(after!, before!.Traits.OutOfService) is { } told)
                session.AppendAny(DeviceStream(after!.Key.Device), told);
        }
    }

    // What its node says of its health is decided on by itself (DeviceHealthDecider).
    internal static object? CordonEvent(SlotSnapshot s, string? before) => (before, s.Traits.OutOfService) switch
    {
        (not "Cordoned", "Cordoned") => new DeviceCordoned(s.Key.Node, s.Key.Device, s.Traits.Reason ?? ""),
        ("Cordoned", not "Cordoned") => new DeviceReturned(s.Key.Node, s.Key.Device, s.Key.Slot, "Uncordoned", "the cordon ended"),
        _ => null,
    };

    public async Task<BoundSlot?> FindBoundAsync(string uuid, CancellationToken cancel) => (await RowsAsync(
        Statement.Of(
            $"""
            select {SlotColumns}, l.namespace || '/' || l.name, b.beat_at, clock_timestamp()
              from {Slots} join framelease.leases l on l.uid = s.lease_uid
              left join framelease.attempts a on a.lease_uid = s.lease_uid
              left join framelease.liveness b on (b.task_uid, b.scene, b.attempt) = (a.task_uid, a.scene, a.attempt)
             where s.cluster = $1 and s.bound_uuid = $2 and s.bound_token = s.token and s.state = 'Granted' order by b.beat_at desc limit 1
            """,
            cluster.Uid, uuid),
        r => new BoundSlot(
            Slot(r), r.GetString(SlotColumnCount),
            r.IsDBNull(SlotColumnCount + 1) ? null : r.GetFieldValue<DateTimeOffset>(SlotColumnCount + 1),
            r.GetFieldValue<DateTimeOffset>(SlotColumnCount + 2)),
        cancel)).FirstOrDefault();

    const string HealthColumns = "cluster, node, device, fitness, found_by, reason, failures, since, version, clock_timestamp()";

    public async Task<Loaded<DeviceHealth>> LoadDeviceAsync(string node, string device, CancellationToken cancel) =>
        (await RowsAsync(
            Statement.Of(
                $"""
                select now.at, d.* from (select clock_timestamp() as at) as now left join lateral (
                  select {HealthColumns} from framelease.devices where cluster = $1 and node = $2 and device = $3) as d on true
                """,
                cluster.Uid, node, device),
            r => r.IsDBNull(1) ? new(new DeviceHealth(new DeviceKey(cluster.Uid, node, device)), 0, r.GetFieldValue<DateTimeOffset>(0))
                : Health(r, 1), cancel)).Single();

    public Task<IReadOnlyList<Loaded<DeviceHealth>>> ReadDevicesAsync(CancellationToken cancel) => RowsAsync(
        Statement.Of($"select {HealthColumns} from framelease.devices where cluster = $1 order by node, device", cluster.Uid),
        r => Health(r, 0), cancel);

    static Loaded<DeviceHealth> Health(DbDataReader r, int at) => new(
        new DeviceHealth(
            new DeviceKey(r.GetString(at), r.GetString(at + 1), r.GetString(at + 2)), Enum.Parse<DeviceFitness>(r.GetString(at + 3)),
            Text(r, at + 4) is { } by ? Enum.Parse<DegradedBy>(by) : null, Text(r, at + 5), r.GetInt32(at + 6),
            r.GetFieldValue<DateTimeOffset>(at + 7)),
        r.GetInt64(at + 8), r.GetFieldValue<DateTimeOffset>(at + 9));

    /// <param name="Before">As known; null for a new slot.</param>
    /// <param name="After">As found; null for one that is gone.</param>
    sealed record Difference(SlotKey Key, SlotSnapshot? Before, SlotSnapshot? After)
    {
        public bool IsNew => Before is null;

        public bool IsGone => After is null;

        public bool IsChanged => Before is not null && After is not null;
    }
}
