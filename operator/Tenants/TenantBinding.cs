using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tenants;

/// <summary>
/// Whose work a namespace's is: <c>Tenant.spec.namespaces</c> is the only binding (R13), whatever a task or a lease says of itself; and
/// what that tenant may ask for. Pure functions of the tenants that exist.
/// </summary>
static class TenantBinding
{
    /// <param name="wish">The tenant that the object names; null = whoever owns the namespace.</param>
    /// <returns>The tenant, or why there is none; exactly one of both.</returns>
    public static (Tenant? Tenant, Obstacle? WhyNot) Of(string ns, string? wish, IEnumerable<Tenant> tenants)
    {
        var owners = tenants.Where(t => t.Spec.Namespaces.Contains(ns, StringComparer.Ordinal)).Take(3).ToList();
        return owners switch
        {
            [] => No($"no Tenant names namespace \"{ns}\" in spec.namespaces; add it to one"),
            [var only] when wish is not null && wish != only.Metadata.Name => No(
                $"spec.tenant: namespace \"{ns}\" belongs to tenant \"{only.Metadata.Name}\", not to \"{wish}\""),
            [var only] => (only, null),
            _ => No(
                $"namespace \"{ns}\" is named by several tenants ({string.Join(", ", owners.Select(o => o.Metadata.Name))}) and belongs to "
                + "none; keep it in one"),
        };
    }

    /// <summary>Priority points of the tier: one is worth a minute of waiting.</summary>
    public static int TierPoints(Tenant tenant) => tenant.Spec.Tier switch
    {
        TenantTier.Premium => 100,
        TenantTier.Pro => 200,
        TenantTier.Custom => tenant.Spec.TierPoints ?? 0,
        _ => 0,
    };

    /// <summary>Highest boost that the tier allows.</summary>
    public static int MaxBoost(Tenant tenant) => tenant.Spec.Tier switch
    {
        TenantTier.Premium => 20,
        TenantTier.Pro => 50,
        TenantTier.Custom => tenant.Spec.MaxPriorityBoost ?? 0,
        _ => 0,
    };

    /// <returns>Null when the boost is allowed.</returns>
    public static Obstacle? ComplaintAboutBoost(Tenant tenant, int boost) => boost <= MaxBoost(tenant)
        ? null
        : new Obstacle(
            "PriorityBoostTooHigh",
            $"spec.priorityBoost: {boost} is above {MaxBoost(tenant)}, the most that tenant "
                + $"\"{tenant.Metadata.Name}\" ({Tier(tenant)}) may use");

    static string Tier(Tenant tenant) => $"tier {tenant.Spec.Tier ?? TenantTier.Free}";

    static (Tenant?, Obstacle?) No(string message) => (null, new Obstacle("TenantNotAllowed", message));
}
