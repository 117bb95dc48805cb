using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>Who the work is done for. The namespaces named here are the only binding between work and tenant (R13).</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "Tenant", "tenants", Namespaced = false)]
[CustomResource(ShortNames = ["ten"], Categories = ["framelease"])]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Tier", "string", ".spec.tier")]
[PrinterColumn("Namespaces", "string", ".spec.namespaces")]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp")]
public sealed record Tenant : KubernetesObject
{
    [Required]
    public TenantSpec Spec { get; init; } = new();

    public TenantStatus? Status { get; init; }
}

public sealed record TenantSpec
{
    /// <summary>Namespaces whose tasks belong to this tenant. A namespace named by two tenants belongs to none.</summary>
    [Required, ListSet, Items(1, 256, ItemMaxLength = 63)]
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Default free.</summary>
    [Default("\"Free\"")]
    public TenantTier? Tier { get; init; }
}

public enum TenantTier
{
    Free,
    Premium,
    Pro,
    Custom,
}

public sealed record TenantStatus
{
    public long? ObservedGeneration { get; init; }

    [ListMap("type"), Items(0, 16)]
    public IReadOnlyList<Condition>? Conditions { get; init; }
}
