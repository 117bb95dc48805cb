using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>An exclusive, fenced, expiring claim on one slot of a device. One per attempt, never granted twice; deleting a granted one revokes it.</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "GpuLease", "gpuleases")]
[CustomResource(ShortNames = ["gl"], Categories = ["framelease"])]
[PrinterColumn("State", "string", ".status.state")]
[PrinterColumn("Pool", "string", ".spec.pool")]
[PrinterColumn("Device", "string", ".status.device")]
[PrinterColumn("Token", "integer", ".status.token")]
[PrinterColumn("Holder", "string", ".spec.holder.name")]
[PrinterColumn("Reason", "string", ".status.reason")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
[PrinterColumn("Position", "integer", ".status.queue.position", Priority = 1)]
[PrinterColumn("Node", "string", ".status.node", Priority = 1)]
[PrinterColumn("Slot", "integer", ".status.slot", Priority = 1)]
[PrinterColumn("Pod", "string", ".status.pod", Priority = 1)]
[PrinterColumn("Granted", "date", ".status.grantedTime", Priority = 1)]
[PrinterColumn("Next", "string", ".status.nextGrade", Priority = 1)]
[PrinterColumn("At", "string", ".status.nextGradeTime", Priority = 1)]
[PrinterColumn("Ended", "date", ".status.endedTime", Priority = 1)]
[PrinterColumn("Message", "string", ".status.message", Priority = 1)]
public sealed record GpuLease : KubernetesObject
{
    [Required]
    [ValidationRule("self == oldSelf", "spec is immutable: delete the lease and create a new one")]
    public GpuLeaseSpec Spec { get; init; } = new();

    public GpuLeaseStatus? Status { get; init; }
}

public sealed record GpuLeaseSpec
{
    /// <summary>GpuPool that the slot comes from.</summary>
    [Required, Length(1, 63)]
    public string Pool { get; init; } = "";

    /// <summary>Who holds it.</summary>
    public LeaseHolder? Holder { get; init; }

    /// <summary>
    /// Longest wait for a grant; 0 = wait without limit. Default 300, or the pool's preset; a VideoTask's leases carry 0.
    /// </summary>
    [Range(0, 604800)]
    public int? MaxWaitSeconds { get; init; }

    /// <summary>Grant to attach. Default: the pool's.</summary>
    [Range(10, 86400)]
    public int? StartDeadlineSeconds { get; init; }

    /// <summary>Time between two beats. Default: the pool's.</summary>
    [Range(1, 3600)]
    public int? HeartbeatIntervalSeconds { get; init; }

    /// <summary>Silence after which the lease expires. Default: the pool's.</summary>
    [Range(2, 86400)]
    public int? HeartbeatTimeoutSeconds { get; init; }

    /// <summary>First grade, from the grant; 0 = none. Default: the pool's.</summary>
    [Range(0, 604800)]
    public int? WarningSeconds { get; init; }

    /// <summary>Second grade: the holder is asked to end; 0 = none. Default: the pool's.</summary>
    [Range(0, 604800)]
    public int? SoftSeconds { get; init; }

    /// <summary>Third grade: the holder is made to end; 0 = none. Default: the pool's; at most the pool's bounds.maxHardSeconds.</summary>
    [Range(0, 604800)]
    public int? HardSeconds { get; init; }

    /// <summary>Beats without progress for this long are a stall; 0 = none. Default: the pool's.</summary>
    [Range(0, 86400)]
    public int? ProgressTimeoutSeconds { get; init; }

    /// <summary>What the device must have room for.</summary>
    public LeaseResources? Resources { get; init; }

    /// <summary>
    /// Points on top of the tenant's tier: one point is worth one minute of waiting. At most what the tenant allows. Default 0.
    /// </summary>
    [Range(0, 200), Default("0")]
    public int? PriorityBoost { get; init; }

    /// <summary>Points for the size of the work. Default 0.</summary>
    [Range(0, 50), Default("0")]
    public int? Complexity { get; init; }
}

/// <summary>Absent or 0: nothing is counted.</summary>
public sealed record LeaseResources
{
    [Range(0, 1048576)]
    public int? VramMiB { get; init; }

    [Range(0, 1024)]
    public int? EncodeSessions { get; init; }

    [Range(0, 1024)]
    public int? DecodeSessions { get; init; }
}

/// <summary>Reference to the holder, in this namespace.</summary>
public sealed record LeaseHolder
{
    [Required, Length(1, 63)]
    public string Kind { get; init; } = "";

    [Required, Length(1, 253)]
    public string Name { get; init; } = "";

    [Length(0, 64)]
    public string? Uid { get; init; }

    [Range(0, 49)]
    public int? Scene { get; init; }

    [Range(1, 1000)]
    public int? Attempt { get; init; }
}

public sealed record GpuLeaseStatus
{
    /// <summary>
    /// Pending, Granted, Draining, Releasing (given back; the slot follows with its pod's end), Released, Quarantined, Expired, Revoked,
    /// GaveUp.
    /// </summary>
    public string? State { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public long? ObservedGeneration { get; init; }

    /// <summary>Granted, Attached, Stalled, Draining, Finished, SlotFree.</summary>
    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public string? Node { get; init; }

    public string? Device { get; init; }

    /// <summary>What the kubelet chose for it, as its worker sees it; absent where the slot names the device itself.</summary>
    public string? DeviceUuid { get; init; }

    public int? Slot { get; init; }

    /// <summary>Fencing token of the slot at the grant; grows per slot, never compared across slots.</summary>
    public long? Token { get; init; }

    public DateTimeOffset? RequestedTime { get; init; }

    public DateTimeOffset? GrantedTime { get; init; }

    public DateTimeOffset? AttachedTime { get; init; }

    /// <summary>UID of the pod that attached.</summary>
    public string? Pod { get; init; }

    /// <summary>Why it is where it is in the queue.</summary>
    public QueueStatus? Queue { get; init; }

    /// <summary>Warning, Drain or Force: the grade that comes next, if the holder does not end before. Attach before the first.</summary>
    public string? NextGrade { get; init; }

    public DateTimeOffset? NextGradeTime { get; init; }

    /// <summary>When the grades so far were recorded.</summary>
    public DateTimeOffset? WarnedTime { get; init; }

    public DateTimeOffset? DrainTime { get; init; }

    /// <summary>Since when nothing moves, though beats come.</summary>
    public DateTimeOffset? StalledTime { get; init; }

    public DateTimeOffset? EndedTime { get; init; }
}

/// <summary>
/// The queue is ordered by enqueueTime − 60 s × points: all wait at the same rate, so the order of two leases never changes while they
/// wait.
/// </summary>
public sealed record QueueStatus
{
    public string? Tenant { get; init; }

    public DateTimeOffset? EnqueueTime { get; init; }

    /// <summary>tier + boost + complexity.</summary>
    public int? Points { get; init; }

    public int? TierPoints { get; init; }

    public int? Boost { get; init; }

    public int? Complexity { get; init; }

    /// <summary>1 = next; shown for the first 20, absent further behind.</summary>
    public int? Position { get; init; }

    /// <summary>Leases that wait in the pool; shown with the position.</summary>
    public long? Length { get; init; }
}
