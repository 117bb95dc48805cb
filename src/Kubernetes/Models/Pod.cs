// v1 Pod: the fields that our controllers and the process node write or read. Others are not kept, so patch pods, never replace them.
using Framelease.Kubernetes.Schema;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("", "v1", "Pod", "pods")]
public sealed record Pod : KubernetesObject
{
    public PodSpec? Spec { get; init; }

    public PodStatus? Status { get; init; }
}

public sealed record PodSpec
{
    public IReadOnlyList<Container>? InitContainers { get; init; }

    public IReadOnlyList<Container>? Containers { get; init; }

    public IReadOnlyList<Volume>? Volumes { get; init; }

    /// <summary>Always (the server's default), OnFailure or Never.</summary>
    public string? RestartPolicy { get; init; }

    public string? NodeName { get; init; }

    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }

    public string? ServiceAccountName { get; init; }

    public bool? AutomountServiceAccountToken { get; init; }

    public IReadOnlyList<Toleration>? Tolerations { get; init; }

    public long? TerminationGracePeriodSeconds { get; init; }

    public long? ActiveDeadlineSeconds { get; init; }

    public PodSecurityContext? SecurityContext { get; init; }

    public string? PriorityClassName { get; init; }

    public string? RuntimeClassName { get; init; }

    public bool? HostNetwork { get; init; }

    public bool? HostPID { get; init; }

    public bool? EnableServiceLinks { get; init; }

    public IReadOnlyList<LocalObjectReference>? ImagePullSecrets { get; init; }

    public Affinity? Affinity { get; init; }

    /// <summary>Claims whose devices containers of the pod may use.</summary>
    public IReadOnlyList<PodResourceClaim>? ResourceClaims { get; init; }
}

/// <summary>Where a pod may run; the node part of it.</summary>
public sealed record Affinity
{
    public NodeAffinity? NodeAffinity { get; init; }
}

public sealed record NodeAffinity
{
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; init; }
}

/// <summary>One term is enough.</summary>
public sealed record NodeSelector(IReadOnlyList<NodeSelectorTerm>? NodeSelectorTerms);

/// <summary>All requirements must hold.</summary>
public sealed record NodeSelectorTerm
{
    public IReadOnlyList<NodeSelectorRequirement>? MatchExpressions { get; init; }

    /// <summary>By field; the only one is <c>metadata.name</c>.</summary>
    public IReadOnlyList<NodeSelectorRequirement>? MatchFields { get; init; }
}

/// <param name="Operator">In, NotIn, Exists, DoesNotExist, Gt or Lt.</param>
public sealed record NodeSelectorRequirement(string Key, string Operator, IReadOnlyList<string>? Values = null);

/// <param name="Name">For containers to name it by.</param>
/// <param name="ResourceClaimName">The claim, in the pod's namespace.</param>
public sealed record PodResourceClaim(string Name, string? ResourceClaimName = null);

public sealed record Toleration
{
    public string? Key { get; init; }

    /// <summary>Equal (default) or Exists.</summary>
    public string? Operator { get; init; }

    public string? Value { get; init; }

    /// <summary>NoSchedule, PreferNoSchedule or NoExecute; null tolerates all.</summary>
    public string? Effect { get; init; }

    /// <summary>For NoExecute: null tolerates without limit.</summary>
    public long? TolerationSeconds { get; init; }
}

public sealed record PodSecurityContext
{
    public long? RunAsUser { get; init; }

    public long? RunAsGroup { get; init; }

    public bool? RunAsNonRoot { get; init; }

    public long? FsGroup { get; init; }

    public SeccompProfile? SeccompProfile { get; init; }
}

public sealed record SeccompProfile(string Type, string? LocalhostProfile = null);

public sealed record LocalObjectReference(string Name);

public sealed record PodStatus
{
    /// <summary>Pending, Running, Succeeded, Failed or Unknown.</summary>
    public string? Phase { get; init; }

    public IReadOnlyList<PodCondition>? Conditions { get; init; }

    public IReadOnlyList<ContainerStatus>? InitContainerStatuses { get; init; }

    public IReadOnlyList<ContainerStatus>? ContainerStatuses { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public DateTimeOffset? StartTime { get; init; }

    public string? HostIP { get; init; }

    public string? PodIP { get; init; }

    public string? QosClass { get; init; }
}

/// <summary>PodScheduled, Initialized, ContainersReady, Ready, DisruptionTarget, …</summary>
public sealed record PodCondition
{
    public string Type { get; init => field = value ?? ""; } = "";

    /// <summary>True, False or Unknown.</summary>
    public string Status { get; init => field = value ?? ""; } = "";

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public DateTimeOffset? LastTransitionTime { get; init; }
}

public sealed record ContainerStatus
{
    public string Name { get; init => field = value ?? ""; } = "";

    public string? Image { get; init; }

    public string? ImageID { get; init; }

    /// <summary>Kind of runtime and id, for example <c>process://…</c> or <c>containerd://…</c>.</summary>
    public string? ContainerID { get; init; }

    public bool Ready { get; init; }

    public bool? Started { get; init; }

    public int RestartCount { get; init; }

    public ContainerState? State { get; init; }

    public ContainerState? LastState { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record ContainerState
{
    public ContainerStateWaiting? Waiting { get; init; }

    public ContainerStateRunning? Running { get; init; }

    public ContainerStateTerminated? Terminated { get; init; }
}

public sealed record ContainerStateWaiting
{
    public string? Reason { get; init; }

    public string? Message { get; init; }
}

public sealed record ContainerStateRunning
{
    public DateTimeOffset? StartedAt { get; init; }
}

public sealed record ContainerStateTerminated
{
    public int ExitCode { get; init; }

    public int? Signal { get; init; }

    /// <summary>Completed, Error, OOMKilled, …</summary>
    public string? Reason { get; init; }

    public string? Message { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    public string? ContainerID { get; init; }
}
