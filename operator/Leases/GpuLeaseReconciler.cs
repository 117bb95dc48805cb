using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Leases;

/// <summary>Records the request of a GpuLease, mirrors its state into status, and turns its deletion into a revoke (R6).</summary>
sealed class GpuLeaseReconciler(
    ILedger ledger, LeaseService leases, IKubernetesClient kubernetes, PlatformStores stores, PlatformFinalizers finalizers, Leader leader)
        : IReconciler
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>What a waiting lease shows of its place is refreshed so often at least; changes are told at once.</summary>
    static readonly TimeSpan Later = TimeSpan.FromMinutes(5);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Leases.Find(key) is not { } lease)
            return ReconcileResult.Done;
        var loaded = await ledger.LoadLeaseAsync(lease.Metadata.Uid!, cancel);
        if (lease.Metadata.DeletionTimestamp is not null)
            return await finalizers.Leases.RunAsync(lease, stop => EndAsync(lease, loaded, stop), cancel);
        if (!loaded.State.IsEnded)
            lease = await finalizers.Leases.AddAsync(lease, cancel);

        Obstacle? obstacle = null;
        LeaseRequested? request = null;
        if (loaded.State.Phase is LeasePhase.None)
            (request, obstacle) = LeaseAdmission.Check(lease, stores.Pools.List(), stores.Tenants.List());
        var lost = LostHistory.Of(lease.Status, loaded.State);
        if (request is not null || (lost is not null && loaded.State.Phase is LeasePhase.Pending))
        {
            // Never granted twice (R6): who had it may be at work still, under a token that is nobody's any more. In one commit, for between two
            // of them the dispatcher would find it waiting.
            await leases.ChangeAsync(
                lease.Metadata.Uid!, "operator", leader.Epoch,
                _ => [request is null ? null : new LeaseCommand.Request(request),
                    lost is null ? null : new LeaseCommand.GiveUp(LostHistory.Condition)], cancel);
            loaded = await ledger.LoadLeaseAsync(lease.Metadata.Uid!, cancel);
        }

        var waits = loaded.State.Phase is LeasePhase.Pending;
        var place = waits ? await ledger.FindWaitAsync(lease.Metadata.Uid!, cancel) : null;
        var isDoubted = await WriteStatusAsync(lease, loaded, obstacle ?? ObstacleOf(place), place, cancel, lost);
        return obstacle is not null || isDoubted ? ReconcileResult.After(Soon) : waits ? ReconcileResult.After(Later, WorkPriority.Low)
            : ReconcileResult.Done;
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

        await WriteStatusAsync(lease, loaded, null, null, cancel);
        // Without the object, another restored copy (R12) would not know of its holder.
        if ((await ledger.ReadAuthorityHoldersAsync(cancel)).FirstOrDefault(h => h.LeaseUid == lease.Metadata.Uid && h.Ended is null) is { } doubt)
            return CleanUp.Waiting($"a proof that its holder of before the change of authority is gone from {doubt.Device} on {doubt.Node}", Soon);
        if (!loaded.State.SlotQuarantined)
            return CleanUp.Complete;
        var slot = loaded.State.Grant!.Slot;
        return CleanUp.Waiting($"a proof that {slot.Device} on {slot.Node} is free: the end of its worker's processes", Soon);
    }

    static Obstacle? ObstacleOf(WaitRow? place) =>
        place is { Code: { } code, Message: { } message }
            ? new Obstacle(code, place.Position is { } p ? $"position {p}; {message}" : message) : null;

    /// <returns>Whether its holder of before a change of authority may still be there.</returns>
    async Task<bool> WriteStatusAsync(
        GpuLease lease, Loaded<LeaseState> loaded, Obstacle? wait, WaitRow? place, CancellationToken cancel, LostHistory? lost = null)
    {
        lost ??= LostHistory.Of(lease.Status, loaded.State);
        var isDoubted = loaded.State is { EndReason: LostHistory.Condition } && await IsDoubtedAsync(lease.Metadata.Uid!, cancel);
        var status = LeaseStatusView.Of(
            loaded.State, lease.Metadata.Generation, wait, loaded.DatabaseNow, lease.Status?.Conditions, lost, isDoubted) with
        {
            Queue = QueueView.Of(loaded.State, place),
        };
        // What only the lost part of the history knew, the object goes on telling: another restore would have to know it, too.
        if (loaded.State.Grant is null && lease.Status is { Token: not null } told)
        {
            status = status with
            {
                Node = told.Node,
                Device = told.Device,
                Slot = told.Slot,
                Token = told.Token,
                GrantedTime = told.GrantedTime,
                AttachedTime = told.AttachedTime,
                Pod = told.Pod,
            };
        }

        try
        {
            await kubernetes.PatchStatusAsync(lease, lease with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // Gone in between: nothing to show it on.
        }

        return isDoubted;
    }

    async Task<bool> IsDoubtedAsync(string uid, CancellationToken cancel) =>
        (await ledger.ReadAuthorityHoldersAsync(cancel)).Any(h => h.LeaseUid == uid && h.Ended is null);
}
