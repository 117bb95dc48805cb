using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>Which devices on which nodes may be leased, and how.</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "GpuPool", "gpupools", Namespaced = false)]
[CustomResource(ShortNames = ["gp"], Categories = ["framelease"])]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Slots", "integer", ".status.slots")]
[PrinterColumn("Free", "integer", ".status.freeSlots")]
[PrinterColumn("Waiting", "integer", ".status.queueLength")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
public sealed record GpuPool : KubernetesObject
{
    [Required]
    public GpuPoolSpec Spec { get; init; } = new();

    public GpuPoolStatus? Status { get; init; }
}

public sealed record GpuPoolSpec
{
    /// <summary>Labels that a node must carry; empty selects every node that publishes devices.</summary>
    [Items(0, 16, ItemMaxLength = 63)]
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }

    /// <summary>How a pod gets its device. Static: by id in the worker's assignment, on nodes dedicated to this platform.</summary>
    [Default("\"Static\"")]
    public PoolBinding? Binding { get; init; }

    /// <summary>Leases that one device carries at a time. Default 1.</summary>
    [Range(1, 16), Default("1")]
    public int? SlotsPerDevice { get; init; }

    /// <summary>Grant to attach. Default 600.</summary>
    [Range(10, 86400), Default("600")]
    public int? StartDeadlineSeconds { get; init; }

    /// <summary>Time between two beats. Default 60.</summary>
    [Range(1, 3600), Default("60")]
    public int? HeartbeatIntervalSeconds { get; init; }

    /// <summary>Silence after which a lease expires. Default 300.</summary>
    [Range(2, 86400), Default("300")]
    public int? HeartbeatTimeoutSeconds { get; init; }
}

/// <summary>The way a device reaches the pod. DevicePlugin and DRA are other bindings, to come with their own parts of the platform.</summary>
public enum PoolBinding
{
    /// <summary>By device id, without an extended resource.</summary>
    Static,
}

public sealed record GpuPoolStatus
{
    public long? ObservedGeneration { get; init; }

    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }

    public int? Slots { get; init; }

    public int? FreeSlots { get; init; }

    public int? QueueLength { get; init; }

    [ListMap("node", "device", "slot"), Items(0, 4096)]
    public IReadOnlyList<SlotStatus>? Devices { get; init; }
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

    /// <summary>Free, Granted or Quarantined.</summary>
    public string? State { get; init; }

    /// <summary>namespace/name of the GpuLease that holds it, or held it last while quarantined.</summary>
    public string? Holder { get; init; }

    public long? Token { get; init; }

    /// <summary>Why it is quarantined.</summary>
    public string? Reason { get; init; }
}
