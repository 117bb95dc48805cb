using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>
/// What PostgreSQL holds, in memory: log, slots, views, liveness, epochs, authority. A transaction collects its changes and makes them at
/// its end, or does nothing at all; a kept copy is a backup.
/// </summary>
sealed class MemoryTables
{
    public List<StoredEvent> Log { get; private init; } = [];

    /// <summary>Versions and positions in the log, by stream.</summary>
    public Dictionary<string, List<StoredEvent>> Streams { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<SlotKey, SlotRow> Slots { get; private init; } = new(BySlot);

    /// <summary>Devices that were ever found unfit, with the version of their rows.</summary>
    public SortedDictionary<string, (DeviceHealth Health, long Version)> Devices { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<string, LeaseRow> Leases { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<string, TaskRow> Tasks { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<(string Task, int Scene, int Attempt), AttemptView> Attempts { get; private init; } = [];

    public Dictionary<(string Task, int Scene, int Attempt), LivenessRow> Liveness { get; private init; } = [];

    /// <summary>Holders of leases without a task, by lease.</summary>
    public Dictionary<string, HolderRow> Holders { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, EpochRow> Epochs { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, AuthorityPod> AuthorityPods { get; private init; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, AuthorityHolder> AuthorityHolders { get; private init; } = new(StringComparer.Ordinal);

    public Dictionary<(string Pool, string Tenant, DeviceNeed Need), (string Code, string Message)> Waits { get; private init; } = [];

    /// <summary>False: the server is another one than the one that was taken over; nothing may be granted or led (R12).</summary>
    public bool HasAuthority { get; set; } = true;

    public long EpochFloor { get; set; }

    /// <summary>The newest incarnation on record.</summary>
    public AuthorityIncarnation? Recorded { get; set; }

    /// <summary>The cluster that the database belongs to.</summary>
    public string? Owner { get; set; }

    public DeviceHealth? HealthOf(SlotKey slot) => Devices.TryGetValue($"{slot.Node}/{slot.Device}", out var row) ? row.Health : null;

    public SlotRow? BoundTo(string uuid) => Slots.Values.FirstOrDefault(
        s => s.BoundUuid == uuid && s.BoundToken == s.Slot.Token && s.Slot.State is SlotState.Granted);

    public static Comparer<SlotKey> BySlot { get; } = Comparer<SlotKey>.Create((a, b) =>
        string.CompareOrdinal(a.Node, b.Node) is not 0 and var n ? n
        : string.CompareOrdinal(a.Device, b.Device) is not 0 and var d ? d
        : a.Slot != b.Slot ? a.Slot.CompareTo(b.Slot) : string.CompareOrdinal(a.Cluster, b.Cluster));

    public MemoryTables Copy() => new()
    {
        Log = [.. Log],
        Streams = Streams.ToDictionary(s => s.Key, s => s.Value.ToList(), StringComparer.Ordinal),
        Slots = new(Slots, BySlot),
        Devices = new(Devices, StringComparer.Ordinal),
        Leases = new(Leases, StringComparer.Ordinal),
        Tasks = new(Tasks, StringComparer.Ordinal),
        Attempts = new(Attempts),
        Liveness = new(Liveness),
        Holders = new(Holders, StringComparer.Ordinal),
        Epochs = new(Epochs, StringComparer.Ordinal),
        AuthorityPods = new(AuthorityPods, StringComparer.Ordinal),
        AuthorityHolders = new(AuthorityHolders, StringComparer.Ordinal),
        Waits = new(Waits),
        HasAuthority = HasAuthority,
        EpochFloor = EpochFloor,
        Recorded = Recorded,
        Owner = Owner,
    };
}
