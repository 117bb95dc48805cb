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
[PrinterColumn("Node", "string", ".status.node", Priority = 1)]
[PrinterColumn("Granted", "date", ".status.grantedTime", Priority = 1)]
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

    /// <summary>Longest wait for a grant; 0 = wait without limit. Default 300; a VideoTask's leases carry 0.</summary>
    [Range(0, 604800), Default("300")]
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
    /// <summary>Pending, Granted, Draining, Released, Quarantined, Expired, Revoked, GaveUp.</summary>
    public string? State { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public long? ObservedGeneration { get; init; }

    /// <summary>Granted, Attached, Finished, SlotFree.</summary>
    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public string? Node { get; init; }

    public string? Device { get; init; }

    public int? Slot { get; init; }

    /// <summary>Fencing token of the slot at the grant; grows per slot, never compared across slots.</summary>
    public long? Token { get; init; }

    public DateTimeOffset? RequestedTime { get; init; }

    public DateTimeOffset? GrantedTime { get; init; }

    public DateTimeOffset? AttachedTime { get; init; }

    public DateTimeOffset? EndedTime { get; init; }
}
