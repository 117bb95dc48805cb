// Engines and tenants have no work of their own here: their Ready condition says whether they can be used.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

sealed class EngineReconciler(ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores) : IReconciler
{
    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Engines.Find(key) is not { } engine)
            return ReconcileResult.Done;
        var conditions = new ConditionSet(engine.Status?.Conditions, engine.Metadata.Generation, await ledger.NowAsync(cancel));
        var wrong = (engine.Spec.Parameters ?? []).Select(Complaint).OfType<string>().ToList();
        if (wrong.Count > 0)
            conditions.False("Ready", "ParametersInvalid", string.Join("; ", wrong));
        else
            conditions.True("Ready", "Ready", $"driver {engine.Spec.Driver}, image {engine.Spec.Image}");
        var status = new EngineStatus { ObservedGeneration = engine.Metadata.Generation, Conditions = conditions.ToList() };
        await kubernetes.PatchStatusAsync(engine, engine with { Status = status }, ct: cancel);
        return ReconcileResult.Done;
    }

    static string? Complaint(EngineParameter p) => p switch
    {
        { Type: ParameterType.Enum, Values: null or { Count: 0 } } => $"spec.parameters {p.Name}: an Enum needs values",
        { Minimum: { } min, Maximum: { } max } when min > max => $"spec.parameters {p.Name}: minimum {min} is above maximum {max}",
        _ => null,
    };
}

sealed class TenantReconciler(ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores) : IReconciler
{
    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Tenants.Find(key) is not { } tenant)
            return ReconcileResult.Done;
        var conditions = new ConditionSet(tenant.Status?.Conditions, tenant.Metadata.Generation, await ledger.NowAsync(cancel));
        var clashes = stores.Tenants.List()
            .Where(t => t.Metadata.Name != tenant.Metadata.Name)
            .SelectMany(t => t.Spec.Namespaces.Intersect(tenant.Spec.Namespaces, StringComparer.Ordinal).Select(n => $"namespace {n} is also named by tenant {t.Metadata.Name}"))
            .ToList();
        if (clashes.Count > 0)
            conditions.False("Ready", "NamespaceClash", string.Join("; ", clashes) + "; such a namespace belongs to none");
        else
            conditions.True("Ready", "Ready", $"{tenant.Spec.Namespaces.Count} namespaces");
        var status = new TenantStatus { ObservedGeneration = tenant.Metadata.Generation, Conditions = conditions.ToList() };
        await kubernetes.PatchStatusAsync(tenant, tenant with { Status = status }, ct: cancel);
        return ReconcileResult.Done;
    }
}
