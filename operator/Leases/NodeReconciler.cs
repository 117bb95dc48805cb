using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Leases;

/// <summary>
/// Ends leases whose node is lost, and frees what is proven free (R4, R5): a changed boot id and the out-of-service taint are proofs, a
/// Node object that is gone is none, and a node that is merely not ready is no loss.
/// </summary>
sealed class NodeReconciler(ILedger ledger, AttemptService attempts, LeaseService leases, PlatformStores stores, Leader leader)
    : IReconciler
{
    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        var node = stores.Nodes.Find(key);
        foreach (var held in await ledger.ReadHeldSlotsAsync(key.Name, cancel))
        {
            var lease = (await ledger.LoadLeaseAsync(held.Slot.LeaseUid!, cancel)).State;
            if (NodeLoss.Of(key.Name, node, lease) is { } loss && (lease.IsGranted || loss.Proof is not null))
                await EndAsync(held, loss, cancel);
        }

        return ReconcileResult.Done;
    }

    Task EndAsync(HeldSlot held, NodeLoss loss, CancellationToken cancel) => held.Attempt is { } attempt
        ? attempts.NodeLostAsync(AttemptFence.Of(attempt), loss.Message, loss.Proof, leader.Epoch, cancel)
        : leases.ChangeAsync(
            held.Slot.LeaseUid!, "operator", leader.Epoch,
            lease =>
            [
                new LeaseCommand.Revoke("node", loss.Message),
                loss.Proof is { } proof ? new LeaseCommand.Free(proof, loss.Message) : LeaseSteps.UnattachedProof(lease.State),
            ],
            cancel);
}

/// <summary>What a node's state means to a lease on it.</summary>
/// <param name="Proof">Null when nothing proves that the holder's processes have ended.</param>
sealed record NodeLoss(string Message, FreeProof? Proof)
{
    /// <param name="node">Null when the object is gone.</param>
    /// <returns>Null while the node is not lost to this lease.</returns>
    public static NodeLoss? Of(string name, Node? node, LeaseState lease)
    {
        if (node is null)
            return new NodeLoss($"the Node object {name} is gone", null);
        if (NodeSight.IsOutOfService(node))
            return new NodeLoss($"node {name} carries the taint {NodeSight.OutOfService}", FreeProof.NodeOutOfService);
        return lease.Attachment is { BootId: { } then } && node.Status?.NodeInfo?.BootID is { Length: > 0 } now && then != now
            ? new NodeLoss($"node {name} was booted anew: boot id {then} at the attach, {now} now", FreeProof.NodeRebooted)
            : null;
    }
}
