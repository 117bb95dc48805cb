using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>Slots come, go, and go out of service, as PostgresLedger.Devices has it.</summary>
static class MemoryDevices
{
    public static string Stream(MemoryDatabase database, string device) => $"device-{database.Cluster}/{device}";

    public static void Sync(MemoryDatabase database, string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch)
    {
        var known = database.Tables.Slots.Values.Where(s => s.Slot.Pool == pool).ToDictionary(s => s.Key);
        var gone = known.Values.Where(k => k.Slot.State is SlotState.Free && found.All(f => f.Key != k.Key)).ToList();
        var added = found.Where(f => !known.ContainsKey(f.Key)).ToList();
        var changed = found.Where(f => known.TryGetValue(f.Key, out var k) && Differ(k.Slot, f)).ToList();
        if (gone.Count + added.Count + changed.Count == 0)
            return;
        var told = Told(database, pool, added, [.. changed.Select(c => (known[c.Key].Slot, c))]).ToList();
        database.Write(epoch, t =>
        {
            foreach (var s in gone.Where(g => t.Slots[g.Key].Slot.State is SlotState.Free))
                t.Slots[s.Key] = t.Slots[s.Key] with { Slot = t.Slots[s.Key].Slot with { Pool = "" } };
            foreach (var s in added)
                Add(t, pool, s, database.Now);
            foreach (var s in changed)
                t.Slots[s.Key] = t.Slots[s.Key] with { Slot = With(t.Slots[s.Key].Slot, s) };
        });
        foreach (var (stream, e) in told)
            database.AppendAny(stream, "operator", epoch, e);
    }

    static void Add(MemoryTables tables, string pool, SlotSnapshot s, DateTimeOffset at)
    {
        if (!tables.Slots.TryGetValue(s.Key, out var old))
            tables.Slots[s.Key] = new SlotRow(s with { Pool = pool, State = SlotState.Free, Token = 0, LeaseUid = null }, null, 0, at);
        else if (old.Slot.State is SlotState.Free || old.Slot.Pool.Length == 0)
            tables.Slots[s.Key] = old with { Slot = With(old.Slot, s) with { Pool = pool } };
    }

    static SlotSnapshot With(SlotSnapshot old, SlotSnapshot s) =>
        old with { DeviceName = s.DeviceName, DeviceKind = s.DeviceKind, DeviceIndex = s.DeviceIndex, Traits = s.Traits };

    static bool Differ(SlotSnapshot known, SlotSnapshot found) =>
        (known.DeviceName, known.DeviceKind, known.DeviceIndex) != (found.DeviceName, found.DeviceKind, found.DeviceIndex)
        || known.Traits with { Reason = null } != found.Traits with { Reason = null };

    // One event for each device, whatever number of slots it has.
    static IEnumerable<(string Stream, object Event)> Told(
        MemoryDatabase database, string pool, List<SlotSnapshot> added, List<(SlotSnapshot Before, SlotSnapshot After)> changed)
    {
        foreach (var device in added.GroupBy(s => (s.Key.Node, s.Key.Device)))
        {
            var s = device.First();
            yield return (Stream(database, s.Key.Device), new DeviceDiscovered(
                database.Cluster, s.Key.Node, s.Key.Device, s.DeviceName, s.DeviceKind, s.DeviceIndex, pool, device.Count()));
            if (PostgresLedger.CordonEvent(s, null) is { } cordoned)
                yield return (Stream(database, s.Key.Device), cordoned);
        }

        var moved = changed.Where(c => c.Before.Traits.OutOfService != c.After.Traits.OutOfService);
        foreach (var device in moved.GroupBy(c => (c.After.Key.Node, c.After.Key.Device)))
        {
            var (before, after) = device.First();
            if (PostgresLedger.CordonEvent(after, before.Traits.OutOfService) is { } e)
                yield return (Stream(database, after.Key.Device), e);
        }
    }
}
