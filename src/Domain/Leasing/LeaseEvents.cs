// Events of stream lease-{uid}. The class names are the contract (design §6): additions are free, renames need an ADR.
namespace Framelease.Domain.Leasing;

/// <summary>Any event of a lease stream.</summary>
public interface ILeaseEvent;

/// <param name="Holder">Who asks, for example <c>VideoTask default/clip</c>.</param>
/// <param name="Claim">Null in events of before this field: no tenant, no points, no need.</param>
public sealed record LeaseRequested(
    string LeaseUid, string Namespace, string Name, string Pool, string Holder, string? TaskUid, int Scene, int Attempt,
    LeaseTerms Terms, LeaseClaim? Claim = null) : ILeaseEvent;

/// <summary>The slot is this lease's alone from here to its end, under <paramref name="Token"/>.</summary>
public sealed record LeaseGranted(
    SlotKey Slot, string DeviceName, string DeviceKind, int DeviceIndex, long Token, LeaseTerms Terms) : ILeaseEvent;

/// <summary>The holder made itself known; from here on silence counts.</summary>
/// <param name="BootId">That the worker itself runs under, when it says so: another one of its node later proves that its processes are
/// gone (R4 b).</param>
/// <param name="Process">Where the holder of a lease without a task runs, when it says so: what an agent of its node can look for
/// (R4 c).</param>
/// <param name="DeviceUuid">That the worker sees, where the kubelet chose its device and the worker could tell.</param>
public sealed record LeaseAttached(
    string PodUid, string Node, string? BootId = null, HolderProcess? Process = null, string? DeviceUuid = null) : ILeaseEvent;

/// <summary>A holder's own process. All that it starts under its lease carries <c>FRAMELEASE_LEASE_UID</c> in its environment.</summary>
/// <param name="Pid">As the process itself sees it.</param>
/// <param name="StartTicks">Field 22 of its <c>/proc/PID/stat</c>; nothing that it started is older.</param>
/// <param name="PidNamespace">Inode of its pid namespace.</param>
/// <param name="UserId">Its real user; 0 may become anybody.</param>
public sealed record HolderProcess(int Pid, long StartTicks, long PidNamespace, int UserId);

/// <summary>
/// The slot is held by somebody who is silent, stands still or holds it beyond the hard limit; in a pool that detects only, that is all
/// that happens. Once a lease, until it moves again after a stall.
/// </summary>
public sealed record LeaseDeadlockDetected(ExpiryCause Cause, string Message) : ILeaseEvent;

/// <summary>First grade: the slot is held for longer than is usual. On record only.</summary>
public sealed record LeaseWarned(int HeldSeconds) : ILeaseEvent;

/// <summary>The holder beats, and nothing moved for a whole progress timeout.</summary>
public sealed record LeaseStalled(int Seconds) : ILeaseEvent;

/// <summary>The end of a stall: something moved again.</summary>
public sealed record LeaseProgressed : ILeaseEvent;

/// <summary>Second grade: the holder is told to end, by the answers to its beats.</summary>
/// <param name="GraceSeconds">Until force, if the command arrives at once.</param>
public sealed record LeaseDrainRequested(DrainCause Cause, int GraceSeconds, string Message) : ILeaseEvent;

/// <summary>The holder gave the slot back itself: free at once, or with the end of its pod.</summary>
/// <param name="SlotHeld">True: the kubelet still counts the device as the pod's; the slot waits for the pod's end
/// (<see cref="SlotQuarantined"/>, <see cref="LeaseState.Releasing"/>). Null = free at once.</param>
public sealed record LeaseReleased(string Reason, bool? SlotHeld = null) : ILeaseEvent;

/// <summary>The lease ended without its holder's word.</summary>
public sealed record LeaseExpired(ExpiryCause Cause, string Message) : ILeaseEvent;

/// <param name="By">Who revoked it.</param>
public sealed record LeaseRevoked(string By, string Message) : ILeaseEvent;

/// <summary>Ended before any grant.</summary>
public sealed record LeaseGaveUp(string Reason) : ILeaseEvent;

/// <summary>The slot may still be in use; nobody gets it before a proof.</summary>
public sealed record SlotQuarantined(SlotKey Slot, long Token, string Reason) : ILeaseEvent;

/// <summary>The slot can be granted again.</summary>
public sealed record SlotFreed(SlotKey Slot, long Token, FreeProof Proof, string Evidence) : ILeaseEvent;

/// <summary>A write under an old fence was refused. Recorded once per attempt and kind of write.</summary>
public sealed record StaleHolderRejected(string PodUid, long PresentedToken, string Write) : ILeaseEvent;

/// <summary>One slot of one device of one cluster: the unit of exclusiveness (R1).</summary>
public sealed record SlotKey(string Cluster, string Node, string Device, int Slot)
{
    public override string ToString() => $"{Node}/{Device}#{Slot}";
}

public enum ExpiryCause
{
    /// <summary>Both witnesses saw no beat for a full timeout (R3).</summary>
    HeartbeatLost,

    /// <summary>Granted, but nobody attached in time.</summary>
    StartDeadline,

    /// <summary>Third grade: held beyond the hard limit, and beyond the grace after the drain command arrived.</summary>
    HardTimeout,

    /// <summary>Told to end because nothing moved, and did not.</summary>
    Stalled,

    /// <summary>The holder's pod ended without completing or failing its attempt.</summary>
    PodEnded,
}

/// <summary>What counts as proof that nobody uses the slot any more (R4).</summary>
public enum FreeProof
{
    /// <summary>The kubelet reported <c>terminated</c> for every container of the pod UID.</summary>
    ContainersTerminated,

    /// <summary>The pod was never started: no container, no attach.</summary>
    NeverStarted,

    /// <summary>Nobody attached under this grant, and nobody can any more.</summary>
    NeverAttached,

    /// <summary>The node has another boot id.</summary>
    NodeRebooted,

    /// <summary>The node carries the taint <c>node.kubernetes.io/out-of-service</c>: somebody vouches that it is switched off.</summary>
    NodeOutOfService,

    /// <summary>
    /// The pool's lock delay passed since the end of the lease; its workers stop by themselves when they lose contact (R4).
    /// </summary>
    LockDelay,

    /// <summary>An authorised person's word.</summary>
    Person,

    /// <summary>After a change of authority: every worker pod that the cluster knew on the node has ended, and the node is ready.</summary>
    PodsAccounted,

    /// <summary>The node's own agent saw no process of the holder, twice, and the device clean (R4 c).</summary>
    NodeAgent,
}
