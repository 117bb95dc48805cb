// autoscaling/v1 Scale: what {plural}/{name}/scale says, whatever the kind.
namespace Framelease.Kubernetes.Models;

public sealed record Scale : KubernetesObject
{
    public ScaleSpec? Spec { get; init; }

    public ScaleStatus? Status { get; init; }
}

/// <param name="Replicas">How many there shall be; a server leaves 0 out.</param>
public sealed record ScaleSpec(int Replicas = 0);

/// <param name="Replicas">How many there are.</param>
/// <param name="Selector">Label selector of what is counted, as text.</param>
public sealed record ScaleStatus(int Replicas = 0, string? Selector = null);
