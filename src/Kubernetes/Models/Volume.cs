// The volume sources that our pods use.
namespace Framelease.Kubernetes.Models;

public sealed record VolumeMount
{
    public string Name { get; init => field = value ?? ""; } = "";

    public string MountPath { get; init => field = value ?? ""; } = "";

    public string? SubPath { get; init; }

    public bool? ReadOnly { get; init; }
}

/// <summary>Exactly one source is set.</summary>
public sealed record Volume
{
    public string Name { get; init => field = value ?? ""; } = "";

    public EmptyDirVolume? EmptyDir { get; init; }

    public ProjectedVolume? Projected { get; init; }

    public ConfigMapVolume? ConfigMap { get; init; }

    public SecretVolume? Secret { get; init; }

    public HostPathVolume? HostPath { get; init; }

    public PersistentVolumeClaimVolume? PersistentVolumeClaim { get; init; }
}

/// <param name="Medium">Null or <c>Memory</c>.</param>
/// <param name="SizeLimit">A quantity.</param>
public sealed record EmptyDirVolume(string? Medium = null, string? SizeLimit = null);

public sealed record ProjectedVolume
{
    public IReadOnlyList<VolumeProjection>? Sources { get; init; }

    public int? DefaultMode { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record VolumeProjection
{
    public ServiceAccountTokenProjection? ServiceAccountToken { get; init; }

    public ConfigMapVolume? ConfigMap { get; init; }

    public SecretProjection? Secret { get; init; }
}

/// <param name="Path">File name of the token below the mount.</param>
/// <param name="Audience">Null: the API server itself.</param>
/// <param name="ExpirationSeconds">At least 600; the kubelet renews it at 80 %.</param>
public sealed record ServiceAccountTokenProjection(string Path, string? Audience = null, long? ExpirationSeconds = null);

public sealed record ConfigMapVolume
{
    public string? Name { get; init; }

    public IReadOnlyList<KeyToPath>? Items { get; init; }

    public int? DefaultMode { get; init; }

    public bool? Optional { get; init; }
}

public sealed record SecretVolume
{
    public string? SecretName { get; init; }

    public IReadOnlyList<KeyToPath>? Items { get; init; }

    public int? DefaultMode { get; init; }

    public bool? Optional { get; init; }
}

public sealed record SecretProjection
{
    public string? Name { get; init; }

    public IReadOnlyList<KeyToPath>? Items { get; init; }

    public bool? Optional { get; init; }
}

public sealed record KeyToPath(string Key, string Path, int? Mode = null);

public sealed record HostPathVolume(string Path, string? Type = null);

public sealed record PersistentVolumeClaimVolume(string ClaimName, bool? ReadOnly = null);
