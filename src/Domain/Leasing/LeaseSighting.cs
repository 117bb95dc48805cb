namespace Framelease.Domain.Leasing;

/// <summary>
/// Whether an agent on the slot's node can tell that a lease's holder is gone (R4 c): only when it knows whom to look for. Pure; the decider
/// asks it again at the proof. After a change of authority (R12) others may have had the slot since: who that may be is on record beside the
/// slot, and keeps it in quarantine, whatever is proven of this holder.
/// </summary>
public static class LeaseSighting
{
    /// <returns>Why no agent can prove the end of this lease's holder; null when one can.</returns>
    public static string? Complaint(LeaseState state)
    {
        if (!state.SlotQuarantined || state.Grant is not { } grant)
            return "its slot is not in quarantine";
        if (state.FollowsPod)
            return "its device is the cluster's to hand out: only the end of its pod, as the kubelet tells it, proves that it can be again";
        if (state.Attachment is not { } holder)
            return "nobody is on record as its holder";
        if (holder.Node != grant.Slot.Node)
            return $"its holder attached from node {holder.Node}, and the slot is on {grant.Slot.Node}";
        // A pod's processes are known by their cgroup; any other holder's only if it said where it is, on a machine that is the node's.
        if (state.Request?.TaskUid is not null)
            return null;
        if (holder.Process is null)
            return "its holder did not tell which process it is";
        return holder.BootId is null ? "it is not on record that its holder is on that node's machine" : null;
    }
}
