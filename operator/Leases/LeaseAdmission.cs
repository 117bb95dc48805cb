using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pools;
using Framelease.Operator.Status;
using Framelease.Operator.Tenants;
using Framelease.Resources;

namespace Framelease.Operator.Leases;

/// <summary>
/// Whether a GpuLease may queue, and with what terms, points and need: a pure function of the object and of the pools and tenants that
/// exist. What stands in its way may change, so that a lease which is not admitted waits outside the queue and says why.
/// </summary>
static class LeaseAdmission
{
    /// <summary>The task whose attempt holds the lease, from a pod; null for a lease whose holder is any process that attaches.</summary>
    public static string? TaskOf(GpuLeaseSpec spec) => spec.Holder is { Kind: nameof(VideoTask) } holder ? holder.Uid : null;

    /// <returns>The request, or what stands in its way; exactly one of both.</returns>
    public static (LeaseRequested? Request, Obstacle? WhyNot) Check(
        GpuLease lease, IReadOnlyCollection<GpuPool> pools, IReadOnlyCollection<Tenant> tenants)
    {
        var spec = lease.Spec;
        if (pools.FirstOrDefault(p => p.Metadata.Name == spec.Pool) is not { } pool)
            return (null, new Obstacle("PoolNotFound", $"spec.pool: there is no GpuPool \"{spec.Pool}\"; apply it"));
        if (pool.Spec.Binding is PoolBinding.DevicePlugin or PoolBinding.DRA && spec.Holder?.Kind != nameof(VideoTask))
        {
            var what = PluginDevices.TermsOf(pool.Spec)?.Resource ?? $"DeviceClass {DraDevices.ClassOf(pool.Spec)}";
            return (null, new Obstacle(
                "BindingNeedsPod",
                $"spec.pool: GpuPool \"{spec.Pool}\" has binding {pool.Spec.Binding}: a kubelet gives its devices ({what}) to pods "
                + "alone, and this lease has none; use a pool with binding Static, or a VideoTask"));
        }

        var (tenant, notAllowed) = TenantBinding.Of(lease.Metadata.Namespace!, null, tenants);
        if (tenant is null)
            return (null, notAllowed);
        if (TenantBinding.ComplaintAboutBoost(tenant, spec.PriorityBoost ?? 0) is { } tooHigh)
            return (null, tooHigh);
        var (terms, beyond) = LeaseTermsPolicy.Of(spec, pool);
        if (terms is null)
            return (null, beyond);
        var holder = spec.Holder;
        var need = spec.Resources is { } r ? new DeviceNeed(r.VramMiB ?? 0, r.EncodeSessions ?? 0, r.DecodeSessions ?? 0) : DeviceNeed.None;
        return (
            new LeaseRequested(
                lease.Metadata.Uid!, lease.Metadata.Namespace!, lease.Metadata.Name!, spec.Pool,
                holder is null ? "by hand" : $"{holder.Kind} {lease.Metadata.Namespace}/{holder.Name}",
                TaskOf(spec), holder?.Scene ?? 0, holder?.Attempt ?? 0, terms,
                new LeaseClaim(
                    tenant.Metadata.Name!, TenantBinding.TierPoints(tenant), spec.PriorityBoost ?? 0, spec.Complexity ?? 0,
                    need == DeviceNeed.None ? null : need)),
            null);
    }
}
