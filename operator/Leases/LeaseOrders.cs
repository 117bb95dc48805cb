using Framelease.Domain.Leasing;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Leases;

/// <summary>
/// What an authorised person may order: to end a lease, and to put a quarantined slot back into service on their word (R4 e). Both are
/// recorded with who ordered it and why; whoever calls has checked the right to do so. Runs on every replica.
/// </summary>
sealed class LeaseOrders(ILedger ledger, AttemptService attempts, LeaseService leases, AttemptSignals signals)
{
    public const int LongestReason = 512;

    /// <summary>
    /// Ends a lease. A granted one leaves its slot in quarantine, unless nobody ever attached; the attempt under it fails and may be tried
    /// again.
    /// </summary>
    public async Task<OrderOutcome> RevokeAsync(string leaseUid, string actor, string reason, CancellationToken cancel)
    {
        if (Complaint(reason) is { } complaint)
            return new OrderOutcome.Refused("ReasonInvalid", complaint);
        var lease = (await ledger.LoadLeaseAsync(leaseUid, cancel)).State;
        if (lease.Request is not { } request)
            return new OrderOutcome.Refused("NotFound", $"the log knows no lease with uid {leaseUid}");
        if (lease.IsEnded)
            return new OrderOutcome.Refused("AlreadyEnded",
                $"lease {request.Namespace}/{request.Name} is {lease.Phase} already ({lease.EndReason})");
        AttemptRefusal? refusal;
        if (await ledger.FindAttemptByLeaseAsync(leaseUid, cancel) is { } a)
        {
            refusal = (await attempts.RevokeAsync(AttemptFence.Of(a), actor, reason, cancel)).Refusal;
        }
        else
        {
            refusal = (await leases.ChangeAsync(
                leaseUid, actor, null, lease => [new LeaseCommand.Revoke(actor, reason), LeaseSteps.UnattachedProof(lease.State)],
                    cancel)).Refusal;
        }

        return refusal is { } no
            ? new OrderOutcome.Refused(no.Reason, no.Message)
            : new OrderOutcome.Done(lease.Grant?.Slot, lease.Grant?.Token ?? 0, leaseUid, request.Holder);
    }

    /// <summary>
    /// Frees a quarantined slot on a person's word that nobody uses the device any more. A slot that is held is refused: revoke its lease
    /// first, so that the late holder is fenced before anybody else comes.
    /// </summary>
    /// <param name="device">Id of the device, as the pool's status shows it.</param>
    public async Task<OrderOutcome> ReleaseByPersonAsync(
        string node, string device, int slot, string actor, string reason, CancellationToken cancel)
    {
        if (Complaint(reason) is { } complaint)
            return new OrderOutcome.Refused("ReasonInvalid", complaint);
        if (await ledger.FindSlotAsync(node, device, slot, cancel) is not { } row)
            return new OrderOutcome.Refused("NotFound", $"there is no slot {slot} of device {device} on node {node}");
        if (row.State is not SlotState.Quarantined)
            return new OrderOutcome.Refused("NotQuarantined", $"slot {row.Key} is {row.State}; {Advice(row)}");
        var evidence = $"{actor}: {reason}";
        if (row.LeaseUid is null)
            return await ReturnAsync(row, actor, evidence, cancel);
        var freed = await leases.ChangeAsync(row.LeaseUid, actor, null, _ => [new LeaseCommand.Free(FreeProof.Person, evidence)], cancel);
        if (freed.Refusal is { } no)
            return new OrderOutcome.Refused(no.Reason, no.Message);
        return new OrderOutcome.Done(row.Key, row.Token, row.LeaseUid, freed.Before.Request?.Holder);
    }

    // After a change of authority a slot may be in quarantine without any lease on record (R12).
    async Task<OrderOutcome> ReturnAsync(SlotSnapshot row, string actor, string evidence, CancellationToken cancel)
    {
        try
        {
            await ledger.ReturnSlotAsync(row, nameof(FreeProof.Person), evidence, actor, null, cancel);
        }
        catch (LedgerConflictException)
        {
            return new OrderOutcome.Refused("SlotChanged", $"slot {row.Key} changed at this moment; look again");
        }

        if (row.Pool.Length > 0)
            signals.PoolFreed(row.Pool);
        return new OrderOutcome.Done(row.Key, row.Token, null, null);
    }

    static string Advice(SlotSnapshot row) => row.State is SlotState.Free
        ? "nothing has to be released"
        : $"revoke lease {row.LeaseUid} first, and release the slot when its worker has ended";

    static string? Complaint(string reason) => string.IsNullOrWhiteSpace(reason) || reason.Length > LongestReason
        ? $"reason: 1 to {LongestReason} characters that say why, for the history"
        : null;
}

/// <summary>What became of a person's order.</summary>
abstract record OrderOutcome
{
    OrderOutcome()
    {
    }

    /// <param name="Slot">Null when the lease had no slot yet.</param>
    /// <param name="LeaseUid">Null for a slot that no lease on record held.</param>
    /// <param name="Holder">Who held it, for example <c>VideoTask default/clip</c>.</param>
    public sealed record Done(SlotKey? Slot, long Token, string? LeaseUid, string? Holder) : OrderOutcome;

    /// <param name="Reason">NotFound, ReasonInvalid, AlreadyEnded, NotQuarantined, SlotChanged, or the decider's.</param>
    public sealed record Refused(string Reason, string Message) : OrderOutcome;
}
