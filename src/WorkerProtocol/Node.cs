// /worker/v1/nodes/{node}: for the agent of a node, which proves that the holders of quarantined slots are gone (R4 c).
namespace Framelease.WorkerProtocol;

/// <summary>
/// <c>GET /worker/v1/nodes/{node}/quarantine?wait=SECONDS</c>: the slots of a node that wait for a proof which its agent can give. With
/// <c>If-None-Match</c>, it is answered when the list is another one, or with 304 after <c>wait</c> seconds (0 to 60, default 0).
/// </summary>
/// <param name="Slots">At most <see cref="MostSlots"/>, by device and slot.</param>
public sealed record NodeQuarantine(IReadOnlyList<QuarantinedSlot> Slots)
{
    public const int MostSlots = 256;

    public const int LongestWaitSeconds = 60;
}

/// <param name="Device">Id of the device.</param>
/// <param name="DeviceKind"><c>Gpu</c>: the device itself must be clean, too; <c>Software</c>: there is none.</param>
/// <param name="Token">The slot's, under which it is in quarantine.</param>
/// <param name="Reason">Why it is, CamelCase.</param>
/// <param name="PodUid">Of the pod that held it; null when the holder was no pod of ours.</param>
/// <param name="Process">The holder without a pod.</param>
/// <param name="BootId">That the holder without a pod ran under.</param>
public sealed record QuarantinedSlot(
    string Device, string DeviceKind, int Slot, long Token, string LeaseUid, string Reason, string? PodUid = null,
    HolderIdentity? Process = null, string? BootId = null);

/// <summary><c>POST /worker/v1/nodes/{node}/proofs</c>: the holders of these slots are gone. Idempotent.</summary>
/// <param name="AgentVersion">For people.</param>
/// <param name="Proofs">1 to <see cref="MostProofs"/>.</param>
public sealed record ProofsRequest(string AgentVersion, IReadOnlyList<SlotProof> Proofs)
{
    public const int MostProofs = 64;
}

/// <summary>No process of this slot's holder is left, and its device is clean.</summary>
/// <param name="Token">As the quarantine told it.</param>
/// <param name="Evidence">What was looked at, for the history; 1 to 512 characters.</param>
public sealed record SlotProof(string Device, int Slot, long Token, string LeaseUid, string Evidence);

/// <summary>One outcome for each proof, in its order.</summary>
public sealed record ProofsReply(IReadOnlyList<ProofOutcome> Outcomes);

/// <param name="Freed">The slot is free by this proof, or was before by the same one.</param>
/// <param name="Reason">Of a refusal, CamelCase: NotQuarantined, StaleToken or NotProven.</param>
public sealed record ProofOutcome(bool Freed, string? Reason = null, string? Message = null);
