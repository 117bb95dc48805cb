using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;

namespace Framelease.Resources;

/// <summary>Who the work is done for. The namespaces named here are the only binding between work and tenant (R13).</summary>
[KubernetesEntity(ApiGroup.Name, ApiGroup.Version, "Tenant", "tenants", Namespaced = false)]
[CustomResource(ShortNames = ["ten"], Categories = ["framelease"])]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status")]
[PrinterColumn("Tier", "string", ".spec.tier")]
[PrinterColumn("Namespaces", "string", ".spec.namespaces")]
[PrinterColumn("Concurrency", "integer", ".spec.concurrency", Priority = 1)]
[PrinterColumn("Weight", "integer", ".spec.weight", Priority = 1)]
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

    /// <summary>Leases that the tenant may hold at a time. Unset: no limit.</summary>
    [Range(1, 100000)]
    public int? Concurrency { get; init; }

    /// <summary>
    /// Leases that it may hold at a time while slots would stay free otherwise; those beyond concurrency are split among tenants by weight.
    /// Default: concurrency.
    /// </summary>
    [Range(1, 100000)]
    public int? MaxConcurrency { get; init; }

    /// <summary>Share of what is left when every tenant has its concurrency. Default 1.</summary>
    [Range(1, 1000), Default("1")]
    public int? Weight { get; init; }

    /// <summary>Tier Custom: priority points of its leases, 0 to 200. Default 0. Free has 0, Premium 100, Pro 200.</summary>
    [Range(0, 200)]
    public int? TierPoints { get; init; }

    /// <summary>Tier Custom: highest priorityBoost of its tasks and leases. Default 0. Free has 0, Premium 20, Pro 50.</summary>
    [Range(0, 200)]
    public int? MaxPriorityBoost { get; init; }
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
