// Containers and their environment, resources and mounts, as in a pod's spec.
using System.Text.Json.Serialization;

namespace Framelease.Kubernetes.Models;

public sealed record Container
{
    public string Name { get; init => field = value ?? ""; } = "";

    public string? Image { get; init; }

    /// <summary>Always, IfNotPresent or Never.</summary>
    public string? ImagePullPolicy { get; init; }

    public IReadOnlyList<string>? Command { get; init; }

    public IReadOnlyList<string>? Args { get; init; }

    public string? WorkingDir { get; init; }

    public IReadOnlyList<EnvVar>? Env { get; init; }

    public IReadOnlyList<ContainerPort>? Ports { get; init; }

    public ResourceRequirements? Resources { get; init; }

    public IReadOnlyList<VolumeMount>? VolumeMounts { get; init; }

    public SecurityContext? SecurityContext { get; init; }

    /// <summary>File or FallbackToLogsOnError.</summary>
    public string? TerminationMessagePolicy { get; init; }

    public string? TerminationMessagePath { get; init; }
}

public sealed record EnvVar
{
    public string Name { get; init => field = value ?? ""; } = "";

    public string? Value { get; init; }

    public EnvVarSource? ValueFrom { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record EnvVarSource
{
    public ObjectFieldSelector? FieldRef { get; init; }

    public KeySelector? SecretKeyRef { get; init; }

    public KeySelector? ConfigMapKeyRef { get; init; }
}

/// <param name="FieldPath">For example <c>metadata.uid</c>, <c>spec.nodeName</c>.</param>
public sealed record ObjectFieldSelector(string FieldPath, string? ApiVersion = null);

/// <summary>One key of a Secret or ConfigMap.</summary>
public sealed record KeySelector(string Key, string? Name = null, bool? Optional = null);

public sealed record ContainerPort
{
    public string? Name { get; init; }

    [JsonPropertyName("containerPort")]
    public int Port { get; init; }

    public int? HostPort { get; init; }

    public string? Protocol { get; init; }
}

/// <summary>Quantities as text: <c>"500m"</c>, <c>"2Gi"</c>, <c>"1"</c>; see <see cref="Quantity"/>.</summary>
public sealed record ResourceRequirements
{
    public IReadOnlyDictionary<string, string>? Limits { get; init; }

    public IReadOnlyDictionary<string, string>? Requests { get; init; }

    /// <summary>Claims of the pod whose devices the container may use.</summary>
    public IReadOnlyList<ContainerResourceClaim>? Claims { get; init; }
}

/// <param name="Name">As the pod has it in <c>spec.resourceClaims</c>.</param>
/// <param name="Request">One of its requests; null = all.</param>
public sealed record ContainerResourceClaim(string Name, string? Request = null);

public sealed record SecurityContext
{
    public long? RunAsUser { get; init; }

    public long? RunAsGroup { get; init; }

    public bool? RunAsNonRoot { get; init; }

    public bool? ReadOnlyRootFilesystem { get; init; }

    public bool? AllowPrivilegeEscalation { get; init; }

    public bool? Privileged { get; init; }

    public Capabilities? Capabilities { get; init; }
}

public sealed record Capabilities
{
    public IReadOnlyList<string>? Add { get; init; }

    public IReadOnlyList<string>? Drop { get; init; }
}
