// Small kinds of the core group, and the coordination Lease.
using System.Text.Json.Serialization;
using Framelease.Kubernetes.Schema;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Models;

[KubernetesEntity("", "v1", "Namespace", "namespaces", Namespaced = false)]
public sealed record Namespace : KubernetesObject
{
    public NamespaceStatus? Status { get; init; }
}

/// <param name="Phase">Active or Terminating.</param>
public sealed record NamespaceStatus(string? Phase = null);

[KubernetesEntity("", "v1", "ConfigMap", "configmaps")]
public sealed record ConfigMap : KubernetesObject
{
    public IReadOnlyDictionary<string, string>? Data { get; init; }

    public IReadOnlyDictionary<string, byte[]>? BinaryData { get; init; }

    public bool? Immutable { get; init; }
}

[KubernetesEntity("", "v1", "Secret", "secrets")]
public sealed record Secret : KubernetesObject
{
    public string? Type { get; init; }

    /// <summary>Decoded bytes; on the wire they are base64.</summary>
    public IReadOnlyDictionary<string, byte[]>? Data { get; init; }

    /// <summary>Write-only text that the server moves into <see cref="Data"/>.</summary>
    public IReadOnlyDictionary<string, string>? StringData { get; init; }

    public bool? Immutable { get; init; }
}

[KubernetesEntity("", "v1", "ServiceAccount", "serviceaccounts")]
public sealed record ServiceAccount : KubernetesObject
{
    public bool? AutomountServiceAccountToken { get; init; }
}

/// <summary>A hint of who leads; never an authority (see the class remarks of client-go's leader election).</summary>
[KubernetesEntity("coordination.k8s.io", "v1", "Lease", "leases")]
public sealed record Lease : KubernetesObject
{
    public LeaseSpec? Spec { get; init; }
}

public sealed record LeaseSpec
{
    public string? HolderIdentity { get; init; }

    public int? LeaseDurationSeconds { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; init; }

    public int? LeaseTransitions { get; init; }
}
