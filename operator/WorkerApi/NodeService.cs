using Framelease.Domain.Leasing;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// What a node's agent is told and may prove (R4 c): it hears of quarantined slots whose holders it can look for, and its word frees a slot
/// only while it is quarantined under the very lease and token that it looked for.
/// </summary>
sealed class NodeService(ILedger ledger, LeaseService leases, ILogger<NodeService> logger)
{
    public const int LongestEvidence = 512;

    public async Task<NodeQuarantine> QuarantineAsync(string node, CancellationToken cancel)
    {
        var rows = (await ledger.ReadHeldSlotsAsync(node, cancel))
            .Select(h => h.Slot).Where(MayBeProven).Take(NodeQuarantine.MostSlots).ToList();
        var states = await ledger.LoadLeasesAsync([.. rows.Select(r => r.LeaseUid!)], cancel);
        return new NodeQuarantine([.. rows.Zip(states, (row, lease) => Told(row, lease.State)).OfType<QuarantinedSlot>()]);
    }

    /// <param name="agent">Who was found to speak for the node.</param>
    public async Task<ProofsReply> ProveAsync(string node, string agent, ProofsRequest request, CancellationToken cancel)
    {
        var rows = (await ledger.ReadHeldSlotsAsync(node, cancel)).Select(h => h.Slot).ToList();
        var outcomes = new List<ProofOutcome>();
        foreach (var proof in request.Proofs)
        {
            var row = rows.Find(r => r.Key.Device == proof.Device && r.Key.Slot == proof.Slot);
            outcomes.Add(await ProveAsync(row, node, agent, proof, cancel));
        }

        return new ProofsReply(outcomes);
    }

    async Task<ProofOutcome> ProveAsync(SlotSnapshot? row, string node, string agent, SlotProof proof, CancellationToken cancel)
    {
        var slot = $"{node}/{proof.Device}#{proof.Slot}";
        if (row is not { State: SlotState.Quarantined } || row.LeaseUid != proof.LeaseUid)
            return await AgainAsync(slot, node, proof, cancel);
        if (row.Token != proof.Token)
        {
            return new ProofOutcome(
                false, "StaleToken", $"slot {slot} is in quarantine under token {row.Token}; the proof is for token {proof.Token}");
        }

        var evidence = $"{agent}: {proof.Evidence}";
        var done = await leases.ChangeAsync(
            proof.LeaseUid, agent, null, _ => [new LeaseCommand.Free(FreeProof.NodeAgent, evidence, Token: proof.Token)], cancel);
        if (done.Refusal is { } no)
        {
            Log.Refused(logger, "a proof", agent, no.Reason, no.Message);
            return new ProofOutcome(false, no.Reason, no.Message);
        }

        if (done.Events.Count == 0)
            return await AgainAsync(slot, node, proof, cancel);
        Log.SlotFreed(logger, slot, nameof(FreeProof.NodeAgent));
        return new ProofOutcome(true);
    }

    // The answer to a proof may get lost: the same one is told the same again.
    async Task<ProofOutcome> AgainAsync(string slot, string node, SlotProof proof, CancellationToken cancel)
    {
        var lease = (await ledger.LoadLeaseAsync(proof.LeaseUid, cancel)).State;
        return lease.Freed is { Proof: FreeProof.NodeAgent } freed && freed.Token == proof.Token && freed.Slot.Node == node
            && freed.Slot.Device == proof.Device && freed.Slot.Slot == proof.Slot
            ? new ProofOutcome(true)
            : new ProofOutcome(false, "NotQuarantined", $"slot {slot} is not in quarantine under lease {proof.LeaseUid}");
    }

    // After a change of authority, too: the proof is about this lease's holder. Whoever else may have had the slot since is on record
    // (ILedger.ReadAuthorityHoldersAsync), and the database keeps the slot in quarantine for them.
    static bool MayBeProven(SlotSnapshot row) => row is { State: SlotState.Quarantined, LeaseUid: not null };

    static QuarantinedSlot? Told(SlotSnapshot row, LeaseState lease)
    {
        if (LeaseSighting.Complaint(lease) is not null || lease.Grant!.Token != row.Token)
            return null;
        var (slot, isTask, holder) = (row.Key, lease.Request!.TaskUid is not null, lease.Attachment!);
        return new QuarantinedSlot(
            slot.Device, row.DeviceKind, slot.Slot, row.Token, row.LeaseUid!, lease.QuarantineReason!, isTask ? holder.PodUid : null,
            isTask || holder.Process is not { } p ? null : new HolderIdentity(p.Pid, p.StartTicks, p.PidNamespace, p.UserId),
            isTask ? null : holder.BootId);
    }
}
