// Slots come, go, and go out of service as the nodes and the pool's spec say.
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    // A slot that is not Free is never removed and never changes its pool: somebody may still be on it. Tokens survive a device's absence,
    // because a slot that vanished keeps its row under pool '' (no pool has that name).
    public async Task SyncDevicesAsync(string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch, CancellationToken cancel)
    {
        var known = (await ReadPoolAsync(pool, cancel)).Slots.ToDictionary(s => s.Key);
        var gone = known.Values.Where(k => k.State is SlotState.Free && found.All(f => f.Key != k.Key)).ToList();
        var added = found.Where(f => !known.ContainsKey(f.Key)).ToList();
        var changed = found.Where(f => known.TryGetValue(f.Key, out var k) && Differ(k, f)).ToList();
        if (gone.Count + added.Count + changed.Count == 0)
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
            session.Write(Add(pool, s));
        foreach (var s in changed)
            session.Write(Change(s));
        Tell(session, pool, added, [.. changed.Select(c => (known[c.Key], c))]);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    static bool Differ(SlotSnapshot known, SlotSnapshot found) =>
        (known.DeviceName, known.DeviceKind, known.DeviceIndex) != (found.DeviceName, found.DeviceKind, found.DeviceIndex)
        || known.Traits with { Reason = null } != found.Traits with { Reason = null };

    static Npgsql.NpgsqlBatchCommand Add(string pool, SlotSnapshot s) => Statement.Of(
        """
        insert into framelease.slots (cluster, node, device, slot, pool, device_name, device_kind, device_index, memory, encode, decode,
          out_of_service, out_reason)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        on conflict (cluster, node, device, slot) do update set pool = excluded.pool, device_name = excluded.device_name,
          device_kind = excluded.device_kind, device_index = excluded.device_index, memory = excluded.memory, encode = excluded.encode,
          decode = excluded.decode, out_of_service = excluded.out_of_service, out_reason = excluded.out_reason
          where framelease.slots.state = 'Free' or framelease.slots.pool = ''
        """,
        s.Key.Cluster, s.Key.Node, s.Key.Device, s.Key.Slot, pool, s.DeviceName, s.DeviceKind, s.DeviceIndex, s.Traits.MemoryMiB,
        s.Traits.EncodeSessions, s.Traits.DecodeSessions, s.Traits.OutOfService, s.Traits.Reason);

    static Npgsql.NpgsqlBatchCommand Change(SlotSnapshot s) => Statement.Of(
        """
        update framelease.slots set device_name = $5, device_kind = $6, device_index = $7, memory = $8, encode = $9, decode = $10,
          out_of_service = $11, out_reason = $12
         where cluster = $1 and node = $2 and device = $3 and slot = $4
        """,
        s.Key.Cluster, s.Key.Node, s.Key.Device, s.Key.Slot, s.DeviceName, s.DeviceKind, s.DeviceIndex, s.Traits.MemoryMiB,
        s.Traits.EncodeSessions, s.Traits.DecodeSessions, s.Traits.OutOfService, s.Traits.Reason);

    // One event for each device, whatever number of slots it has.
    void Tell(IEventSession session, string pool, List<SlotSnapshot> added, List<(SlotSnapshot Before, SlotSnapshot After)> changed)
    {
        foreach (var device in added.GroupBy(s => (s.Key.Node, s.Key.Device)))
        {
            var first = device.First();
            session.AppendAny(
                DeviceStream(first.Key.Device),
                new DeviceDiscovered(
                    cluster.Uid, first.Key.Node, first.Key.Device, first.DeviceName, first.DeviceKind, first.DeviceIndex, pool,
                        device.Count()));
            if (first.Traits.OutOfService is not null)
                session.AppendAny(DeviceStream(first.Key.Device), ServiceEvent(first, null));
        }

        foreach (var device in changed.Where(c => c.Before.Traits.OutOfService != c.After.Traits.OutOfService)
            .GroupBy(c => (c.After.Key.Node, c.After.Key.Device)))
        {
            var (before, after) = device.First();
            session.AppendAny(DeviceStream(after.Key.Device), ServiceEvent(after, before.Traits.OutOfService));
        }
    }

    static object ServiceEvent(SlotSnapshot s, string? before) => s.Traits.OutOfService switch
    {
        null => new DeviceReturned(s.Key.Node, s.Key.Device, s.Key.Slot, "InService", $"it is no longer {before}"),
        "Cordoned" => new DeviceCordoned(s.Key.Node, s.Key.Device, s.Traits.Reason ?? ""),
        _ => new DeviceDegraded(s.Key.Node, s.Key.Device, s.Traits.Reason ?? s.Traits.OutOfService),
    };
}
