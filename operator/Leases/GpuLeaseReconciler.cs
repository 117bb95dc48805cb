using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Leases;

/// <summary>Records the request of a GpuLease, mirrors its state into status, and turns its deletion into a revoke (R6).</summary>
sealed class GpuLeaseReconciler(
    ILedger ledger, LeaseService leases, IKubernetesClient kubernetes, PlatformStores stores, WaitReasons reasons,
    PlatformFinalizers finalizers, Leader leader) : IReconciler
{
    const int DefaultMaxWait = 300;
    const int DefaultStartDeadline = 600;
    const int DefaultHeartbeatInterval = 60;
    const int DefaultHeartbeatTimeout = 300;
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Leases.Find(key) is not { } lease)
            return ReconcileResult.Done;
        var loaded = await ledger.LoadLeaseAsync(lease.Metadata.Uid!, cancel);
        if (lease.Metadata.DeletionTimestamp is not null)
            return await finalizers.Leases.RunAsync(lease, stop => EndAsync(lease, loaded, stop), cancel);
        if (!loaded.State.IsEnded)
            lease = await finalizers.Leases.AddAsync(lease, cancel);

        var pool = stores.Pools.Find(new ObjectKey(null, lease.Spec.Pool));
        if (loaded.State.Phase is LeasePhase.None)
            loaded = await RequestAsync(lease, pool, loaded, cancel);
        var wait = loaded.State.Phase is not LeasePhase.Pending ? null
            : pool is null ? new Obstacle("PoolNotFound", $"spec.pool: there is no GpuPool \"{lease.Spec.Pool}\"; apply it")
            : reasons.Of(lease.Metadata.Uid!);
        await WriteStatusAsync(lease, loaded, wait, cancel);
        return loaded.State.Phase is LeasePhase.Pending ? ReconcileResult.After(Soon) : ReconcileResult.Done;
    }

    async Task<Loaded<LeaseState>> RequestAsync(GpuLease lease, GpuPool? pool, Loaded<LeaseState> loaded, CancellationToken cancel)
    {
        var holder = lease.Spec.Holder;
        var interval = lease.Spec.HeartbeatIntervalSeconds ?? pool?.Spec.HeartbeatIntervalSeconds ?? DefaultHeartbeatInterval;
        var request = new LeaseRequested(
            lease.Metadata.Uid!, lease.Metadata.Namespace!, lease.Metadata.Name!, lease.Spec.Pool,
            holder is null ? "by hand" : $"{holder.Kind} {lease.Metadata.Namespace}/{holder.Name}",
            holder?.Kind == nameof(VideoTask) ? holder.Uid : null, holder?.Scene ?? 0, holder?.Attempt ?? 0,
            new LeaseTerms(
                lease.Spec.MaxWaitSeconds ?? DefaultMaxWait,
                lease.Spec.StartDeadlineSeconds ?? pool?.Spec.StartDeadlineSeconds ?? DefaultStartDeadline,
                interval,
                // Twice the interval at least: one lost beat is no lost holder.
                Math.Max(2 * interval, lease.Spec.HeartbeatTimeoutSeconds ?? pool?.Spec.HeartbeatTimeoutSeconds ?? DefaultHeartbeatTimeout)));
        await leases.ChangeAsync(lease.Metadata.Uid!, "operator", leader.Epoch, _ => [new LeaseCommand.Request(request)], cancel);
        return await ledger.LoadLeaseAsync(lease.Metadata.Uid!, cancel);
    }

    // A pending lease gives up; a granted one is revoked, and stays visible until its slot is free again.
    async Task<CleanUp> EndAsync(GpuLease lease, Loaded<LeaseState> loaded, CancellationToken cancel)
    {
        if (loaded.State is { Phase: LeasePhase.Pending } or { IsGranted: true })
        {
            await leases.ChangeAsync(
                lease.Metadata.Uid!, "operator", leader.Epoch,
                held => [new LeaseCommand.Revoke("deletion of the GpuLease", "the object was deleted"),
                    LeaseSteps.UnattachedProof(held.State)], cancel);
            loaded = await ledger.LoadLeaseAsync(lease.Metadata.Uid!, cancel);
        }

        await WriteStatusAsync(lease, loaded, null, cancel);
        if (loaded.State.SlotQuarantined)
            return CleanUp.Waiting($"a proof that {loaded.State.Grant!.Slot.Device} on {loaded.State.Grant.Slot.Node} is free: the end of its worker's processes", Soon);
        reasons.Clear(lease.Metadata.Uid!);
        return CleanUp.Complete;
    }

    async Task WriteStatusAsync(GpuLease lease, Loaded<LeaseState> loaded, Obstacle? wait, CancellationToken cancel)
    {
        var status = LeaseStatusView.Of(loaded.State, lease.Metadata.Generation, wait, loaded.DatabaseNow, lease.Status?.Conditions);
        try
        {
            await kubernetes.PatchStatusAsync(lease, lease with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // Gone in between: nothing to show it on.
        }
    }
}
