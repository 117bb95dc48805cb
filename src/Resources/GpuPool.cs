using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>Which devices on which nodes may be leased, and how.</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "GpuPool", "gpupools", Namespaced = false)]
[CustomResource(ShortNames = ["gp"], Categories = ["framelease"])]
[PrinterColumn("Binding", "string", ".spec.binding", Priority = 1)]
[PrinterColumn("Out", "integer", ".status.slotsOutOfService", Priority = 1)]
[PrinterColumn("Quarantined", "integer", ".status.quarantinedSlots", Priority = 1)]
[PrinterColumn("Reason", "string", ".status.conditions[?(@.type==\"Ready\")].message", Priority = 1)]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Slots", "integer", ".status.slots")]
[PrinterColumn("Free", "integer", ".status.freeSlots")]
[PrinterColumn("Waiting", "integer", ".status.queueLength")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
public sealed record GpuPool : KubernetesObject
{
    [Required]
    [ValidationRule(
        "!has(self.lockDelaySeconds) || (has(self.stopAfterSeconds) && has(self.onLostContact) && self.onLostContact == 'Stop')",
        "lockDelaySeconds needs onLostContact Stop and stopAfterSeconds: no slot is freed by time while its worker may still run")]
    [ValidationRule(
        "!has(self.resourceName) || (has(self.binding) && self.binding == 'DevicePlugin')",
        "resourceName is for binding DevicePlugin: with Static, devices are named by their nodes or by spec.devices")]
    [ValidationRule(
        "!has(self.binding) || self.binding != 'DevicePlugin' || !has(self.slotsPerDevice) || self.slotsPerDevice == 1",
        "slotsPerDevice is 1 with binding DevicePlugin: how many pods share a device is set in the device plugin, and said by shared")]
    [ValidationRule(
        "(has(self.binding) && self.binding == 'DRA') || !(has(self.deviceClassName) || has(self.driver) || has(self.idAttribute) "
            + "|| has(self.deviceAttributes))",
        "deviceClassName, driver, idAttribute and deviceAttributes are for binding DRA")]
    [ValidationRule(
        "!has(self.binding) || self.binding != 'DRA' || !has(self.slotsPerDevice) || self.slotsPerDevice == 1",
        "slotsPerDevice is 1 with binding DRA: a claim has its device alone")]
    [ValidationRule(
        "!has(self.binding) || self.binding != 'DRA' || !has(self.devices) || size(self.devices) == 0",
        "devices is not for binding DRA: the driver publishes them in ResourceSlices")]
    public GpuPoolSpec Spec { get; init; } = new();

    public GpuPoolStatus? Status { get; init; }
}

public sealed record GpuPoolSpec
{
    /// <summary>Labels that a node must carry; empty selects every node that publishes devices.</summary>
    [Items(0, 16, ItemMaxLength = 63)]
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }

    /// <summary>Devices of nodes that publish none themselves. A node's own word goes before it.</summary>
    [ListMap("node", "id"), Items(0, 1024)]
    public IReadOnlyList<StaticDevice>? Devices { get; init; }

    /// <summary>
    /// How a pod gets its device. Static: by id in the worker's assignment, on nodes dedicated to this platform. DevicePlugin: its pod asks
    /// for one piece of resourceName, and the kubelet chooses; other pods of the cluster may use the same nodes. DRA: its pod claims the
    /// very device of its slot, which a driver publishes in ResourceSlices (Kubernetes 1.34 or later).
    /// </summary>
    [Default("\"Static\"")]
    public PoolBinding? Binding { get; init; }

    /// <summary>
    /// With binding DevicePlugin: the extended resource, of which a node has as many slots as its status.allocatable says. Default
    /// nvidia.com/gpu; nvidia.com/gpu.shared where the plugin renames what it shares, nvidia.com/mig-1g.10gb for a part of a card.
    /// </summary>
    [Length(3, 127), Pattern(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")]
    public string? ResourceName { get; init; }

    /// <summary>
    /// With binding DevicePlugin: several pieces may be the same device, as the plugin's time-slicing or MPS has it. Where it is false, two
    /// leases that see the same device are a fault: the second does not start. Default: true for a resourceName that ends in .shared.
    /// </summary>
    public bool? Shared { get; init; }

    /// <summary>
    /// With binding DevicePlugin or DRA: memory of one slot, where neither a node label (nvidia.com/gpu.memory, of GPU feature discovery)
    /// nor the device's ResourceSlice (capacity memory) tells. Unset: not counted.
    /// </summary>
    [Range(0, 16777216)]
    public int? MemoryMiBPerDevice { get; init; }

    /// <summary>With binding DRA: the DeviceClass that claims name. It has to admit the pool's devices. Default gpu.nvidia.com.</summary>
    [Length(1, 253), Pattern(Subdomain)]
    public string? DeviceClassName { get; init; }

    /// <summary>With binding DRA: the driver whose ResourceSlices tell the devices. Default gpu.nvidia.com.</summary>
    [Length(1, 63), Pattern(Subdomain)]
    public string? Driver { get; init; }

    /// <summary>
    /// With binding DRA: the string attribute that names a device for good, and by which it is claimed; without a domain, it is of the
    /// driver's. Default uuid.
    /// </summary>
    [Length(1, 96), Pattern(@"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z_][A-Za-z0-9_]*$")]
    public string? IdAttribute { get; init; }

    /// <summary>
    /// With binding DRA: attributes that a device must have to be one of the pool's, as text. Default: with deviceClassName gpu.nvidia.com,
    /// type gpu; with mig.nvidia.com, type mig; else none. Two pools of a driver on one node overlap unless they name an attribute with
    /// different values.
    /// </summary>
    [Items(0, 16, ItemMaxLength = 64)]
    public IReadOnlyDictionary<string, string>? DeviceAttributes { get; init; }

    const string Subdomain = @"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

    /// <summary>Leases that one device carries at a time. Default 1.</summary>
    [Range(1, 16), Default("1")]
    public int? SlotsPerDevice { get; init; }

    /// <summary>
    /// Values for what is not said: HighLoad has maxWaitSeconds 600 for leases that name none, and startDeadlineSeconds 1200; LowLoad 120
    /// and 300. What is said wins. Nothing is polled, so there are no polling intervals to set.
    /// </summary>
    public PoolPreset? Preset { get; init; }

    /// <summary>Grant to attach. Default 600, or the preset's.</summary>
    [Range(10, 86400)]
    public int? StartDeadlineSeconds { get; init; }

    /// <summary>Time between two beats. Default 60.</summary>
    [Range(1, 3600), Default("60")]
    public int? HeartbeatIntervalSeconds { get; init; }

    /// <summary>Silence after which a lease expires. Default 300.</summary>
    [Range(2, 86400), Default("300")]
    public int? HeartbeatTimeoutSeconds { get; init; }

    /// <summary>First grade, from the grant: a lease that is held for longer is warned of, on record. 0 = never. Default 1800.</summary>
    [Range(0, 604800), Default("1800")]
    public int? WarningSeconds { get; init; }

    /// <summary>Second grade: the holder is asked to end. 0 = never, and then hardSeconds is 0, too. Default 3600.</summary>
    [Range(0, 604800), Default("3600")]
    public int? SoftSeconds { get; init; }

    /// <summary>Third grade: the holder is fenced off and its pod is ended. 0 = never. Default 7200.</summary>
    [Range(0, 604800), Default("7200")]
    public int? HardSeconds { get; init; }

    /// <summary>
    /// Beats without progress for this long are a stall; for twice as long, and the holder is asked to end. 0 = never. Default 600.
    /// </summary>
    [Range(0, 86400), Default("600")]
    public int? ProgressTimeoutSeconds { get; init; }

    /// <summary>Least time between a grade and the next, and between the drain command's arrival and force. Default 30.</summary>
    [Range(1, 3600), Default("30")]
    public int? DrainGraceSeconds { get; init; }

    /// <summary>How far a single lease may depart from the values above.</summary>
    public LeaseBounds? Bounds { get; init; }

    /// <summary>What a worker does that cannot reach the platform. Default Continue: its work is harmless, because it is fenced.</summary>
    [Default("\"Continue\"")]
    public LostContact? OnLostContact { get; init; }

    /// <summary>With onLostContact Stop: seconds without contact after which a worker stops by itself.</summary>
    [Range(1, 86400)]
    public int? StopAfterSeconds { get; init; }

    /// <summary>
    /// Frees the slot of a lost holder by time, this long after the end of its lease. Unset: never by time. Needs onLostContact Stop, and
    /// at least twice stopAfterSeconds.
    /// </summary>
    [Range(2, 604800)]
    public int? LockDelaySeconds { get; init; }

    /// <summary>Encoder sessions that one device carries at a time. Unset: not counted.</summary>
    [Range(1, 1024)]
    public int? EncodeSessionsPerDevice { get; init; }

    /// <summary>Decoder sessions that one device carries at a time. Unset: not counted.</summary>
    [Range(1, 1024)]
    public int? DecodeSessionsPerDevice { get; init; }

    /// <summary>
    /// Memory that may be in use on a device before and after a worker's work: the driver's own. More of it, or a foreign process, and the
    /// device is dirty: after cleanUpTries it is degraded. Looked at on GPUs of pools with one slot a device. Default 512.
    /// </summary>
    [Range(0, 1048576), Default("512")]
    public int? ResidualMemoryMiB { get; init; }

    /// <summary>How often a worker cleans up and looks again, before a dirty device is degraded. Default 3.</summary>
    [Range(1, 10), Default("3")]
    public int? CleanUpTries { get; init; }

    /// <summary>Between two of these. Default 60.</summary>
    [Range(1, 3600), Default("60")]
    public int? CleanUpRetrySeconds { get; init; }

    /// <summary>
    /// How long a device stays degraded after a probe found it dirty, before it is tried again with one lease at a time. Doubled with each
    /// failed probe in a row, up to 6 hours. Default 600.
    /// </summary>
    [Range(10, 86400), Default("600")]
    public int? ProbationSeconds { get; init; }

    /// <summary>
    /// False: the platform detects and tells, and a person acts. A holder that is silent, stands still or holds beyond hardSeconds keeps
    /// its slot (condition Deadlocked, alert GPU_LOCK_DEADLOCK_DETECTED) until a person releases the lock or deletes the GpuLease; a
    /// degraded device stays so until a person returns it (<c>POST /api/v1/devices/return</c>). What is proven still counts: the end of a
    /// pod, a lost node, a grant to which nobody attached, and proofs that free a quarantined slot. Default true.
    /// </summary>
    [Default("true")]
    public bool? AutoRecovery { get; init; }

    /// <summary>Devices and nodes that get no new leases.</summary>
    [Items(0, 256)]
    public IReadOnlyList<DeviceCordon>? Cordons { get; init; }
}

/// <summary>Furthest values that a lease may ask for; a lease beyond them is not queued and says so.</summary>
public sealed record LeaseBounds
{
    /// <summary>Default 86400.</summary>
    [Range(10, 86400), Default("86400")]
    public int? MaxStartDeadlineSeconds { get; init; }

    /// <summary>Default 1.</summary>
    [Range(1, 3600), Default("1")]
    public int? MinHeartbeatIntervalSeconds { get; init; }

    /// <summary>Default 86400.</summary>
    [Range(2, 86400), Default("86400")]
    public int? MaxHeartbeatTimeoutSeconds { get; init; }

    /// <summary>Default 86400.</summary>
    [Range(1, 86400), Default("86400")]
    public int? MaxProgressTimeoutSeconds { get; init; }

    /// <summary>Default 86400.</summary>
    [Range(1, 604800), Default("86400")]
    public int? MaxHardSeconds { get; init; }
}

/// <summary>Kinds of load that a pool is set up for.</summary>
public enum PoolPreset
{
    /// <summary>Long queues.</summary>
    HighLoad = 1,

    /// <summary>Short waits, or none.</summary>
    LowLoad,
}

public enum LostContact
{
    /// <summary>Works on and reports when it can.</summary>
    Continue,

    /// <summary>Stops after stopAfterSeconds.</summary>
    Stop,
}

/// <summary>A device that nobody publishes.</summary>
public sealed record StaticDevice
{
    [Required, Length(1, 253)]
    public string Node { get; init; } = "";

    /// <summary>NVIDIA UUID, or a name of your own for a software slot.</summary>
    [Required, Length(1, 253)]
    public string Id { get; init; } = "";

    /// <summary>As tools on the node number it.</summary>
    [Required, Range(0, 1023)]
    public int Index { get; init; }

    /// <summary>Unset: not counted.</summary>
    [Range(0, 16777216)]
    public int? MemoryMiB { get; init; }

    /// <summary>Default Gpu.</summary>
    [Default("\"Gpu\"")]
    public StaticDeviceKind? Kind { get; init; }

    /// <summary>For people. Default: the id.</summary>
    [Length(1, 253)]
    public string? Name { get; init; }
}

public enum StaticDeviceKind
{
    Gpu,

    /// <summary>A slot without hardware.</summary>
    Software,
}

/// <summary>Takes a device, or every device of a node, out of service.</summary>
public sealed record DeviceCordon
{
    [Required, Length(1, 253)]
    public string Node { get; init; } = "";

    /// <summary>Device id; absent = every device of the node.</summary>
    [Length(1, 253)]
    public string? Device { get; init; }

    /// <summary>True: whoever holds it is asked to end, and after the drain grace made to. Default false: it may finish.</summary>
    [Default("false")]
    public bool? Drain { get; init; }

    /// <summary>For the history.</summary>
    [Length(0, 256)]
    public string? Reason { get; init; }
}

/// <summary>The way a device reaches the pod.</summary>
public enum PoolBinding
{
    /// <summary>By device id, without an extended resource.</summary>
    Static,

    /// <summary>By an extended resource that a device plugin offers.</summary>
    DevicePlugin,

    /// <summary>By a ResourceClaim for that very device (dynamic resource allocation).</summary>
    DRA,
}

public sealed record GpuPoolStatus
{
    public long? ObservedGeneration { get; init; }

    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public int? Slots { get; init; }

    /// <summary>Free and in service.</summary>
    public int? FreeSlots { get; init; }

    public int? QuarantinedSlots { get; init; }

    /// <summary>Cordoned, degraded, surplus or taken by others: they get no new lease.</summary>
    public int? SlotsOutOfService { get; init; }

    /// <summary>Not fit for work, by their node's word or by a probe: they get no lease.</summary>
    public int? DegradedDevices { get; init; }

    /// <summary>Tried again, with one lease at a time.</summary>
    public int? DevicesOnProbation { get; init; }

    /// <summary>
    /// Longest time for which leases that come later may overtake one that waits; after it, only those in front are served first.
    /// </summary>
    public int? OvertakingSeconds { get; init; }

    public int? QueueLength { get; init; }

    /// <summary>
    /// The slots one by one, at most 256 of them, in the order of node, device and slot: those that need a person's eye come before those that are
    /// held, and these before those that are free. GET /api/v1/devices lists all.
    /// </summary>
    [ListMap("node", "device", "slot"), Items(0, MostDevices)]
    public IReadOnlyList<SlotStatus>? Devices { get; init; }

    /// <summary>Slots that <see cref="Devices"/> has no room for.</summary>
    public int? SlotsNotListed { get; init; }

    /// <summary>An object that grew with its cluster would be written whole at every change, and be refused by etcd from 1.5 MiB on.</summary>
    public const int MostDevices = 256;
}

/// <summary>One slot of one device.</summary>
public sealed record SlotStatus
{
    [Required]
    public string Node { get; init; } = "";

    [Required]
    public string Device { get; init; } = "";

    [Required]
    public int Slot { get; init; }

    public string? Name { get; init; }

    /// <summary>Free, Granted, Releasing (given back; free when its pod has ended) or Quarantined.</summary>
    public string? State { get; init; }

    /// <summary>namespace/name of the GpuLease that holds it, or held it last while quarantined.</summary>
    public string? Holder { get; init; }

    public long? Token { get; init; }

    /// <summary>
    /// Cordoned, Degraded, Surplus (held, and more than the node has now) or Taken (by a ResourceClaim of others); absent while in service.
    /// </summary>
    public string? OutOfService { get; init; }

    /// <summary>Why it is quarantined or out of service.</summary>
    public string? Reason { get; init; }

    /// <summary>Of its device: Degraded or Probation; absent while it is healthy.</summary>
    public string? Health { get; init; }

    /// <summary>Why, or what it is tried again after.</summary>
    public string? HealthReason { get; init; }

    /// <summary>Since when.</summary>
    public DateTimeOffset? HealthTime { get; init; }

    /// <summary>When the device is tried again; absent while nothing but a person, or its node, takes it back.</summary>
    public DateTimeOffset? ProbationTime { get; init; }
}
