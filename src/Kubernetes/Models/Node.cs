// v1 Node: what scheduling, proof of release and the process node need.
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("", "v1", "Node", "nodes", Namespaced = false)]
public sealed record Node : KubernetesObject
{
    public NodeSpec? Spec { get; init; }

    public NodeStatus? Status { get; init; }
}

public sealed record NodeSpec
{
    public IReadOnlyList<Taint>? Taints { get; init; }

    public bool? Unschedulable { get; init; }

    public string? ProviderID { get; init; }
}

/// <param name="Effect">NoSchedule, PreferNoSchedule or NoExecute.</param>
public sealed record Taint(string Key, string Effect, string? Value = null, DateTimeOffset? TimeAdded = null);

public sealed record NodeStatus
{
    /// <summary>Quantities by resource name.</summary>
    public IReadOnlyDictionary<string, string>? Capacity { get; init; }

    /// <summary>Capacity less what the system keeps.</summary>
    public IReadOnlyDictionary<string, string>? Allocatable { get; init; }

    public IReadOnlyList<NodeCondition>? Conditions { get; init; }

    public IReadOnlyList<NodeAddress>? Addresses { get; init; }

    public NodeInfo? NodeInfo { get; init; }

    public NodeDaemonEndpoints? DaemonEndpoints { get; init; }
}

/// <summary>Ready, MemoryPressure, DiskPressure, PIDPressure, NetworkUnavailable.</summary>
public sealed record NodeCondition
{
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>True, False or Unknown.</summary>
    public string Status { get; init => field = value ?? ""; } = "";

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public DateTimeOffset? LastHeartbeatTime { get; init; }

    public DateTimeOffset? LastTransitionTime { get; init; }
}

/// <param name="Type">Hostname, InternalIP, ExternalIP, …</param>
public sealed record NodeAddress(string Type, string Address);

public sealed record NodeDaemonEndpoints
{
    public DaemonEndpoint? KubeletEndpoint { get; init; }
}

public sealed record DaemonEndpoint
{
    [System.Text.Json.Serialization.JsonPropertyName("Port")]
    public int Port { get; init; }
}

public sealed record NodeInfo
{
    /// <summary>Changes at each boot of the node: proof that none of its earlier processes lives.</summary>
    public string? BootID { get; init; }

    public string? MachineID { get; init; }

    public string? SystemUUID { get; init; }

    public string? KernelVersion { get; init; }

    public string? OsImage { get; init; }

    public string? ContainerRuntimeVersion { get; init; }

    public string? KubeletVersion { get; init; }

    public string? KubeProxyVersion { get; init; }

    public string? OperatingSystem { get; init; }

    public string? Architecture { get; init; }
}
