// Events of stream lease-{uid}. The class names are the contract (design §6): additions are free, renames need an ADR.
namespace Framelease.Domain.Leasing;

/// <summary>Any event of a lease stream.</summary>
public interface ILeaseEvent;

/// <param name="Holder">Who asks, for example <c>VideoTask default/clip</c>.</param>
public sealed record LeaseRequested(
    string LeaseUid, string Namespace, string Name, string Pool, string Holder, string? TaskUid, int Scene, int Attempt,
    LeaseTerms Terms) : ILeaseEvent;

/// <summary>The slot is this lease's alone from here to its end, under <paramref name="Token"/>.</summary>
public sealed record LeaseGranted(
    SlotKey Slot, string DeviceName, string DeviceKind, int DeviceIndex, long Token, LeaseTerms Terms) : ILeaseEvent;

/// <summary>The holder made itself known; from here on silence counts.</summary>
public sealed record LeaseAttached(string PodUid, string Node) : ILeaseEvent;

/// <summary>The holder gave the slot back itself: free at once.</summary>
public sealed record LeaseReleased(string Reason) : ILeaseEvent;

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

/// <summary>Seconds; all above 0 but <see cref="MaxWaitSeconds"/>, where 0 means no limit.</summary>
public sealed record LeaseTerms(int MaxWaitSeconds, int StartDeadlineSeconds, int HeartbeatIntervalSeconds, int HeartbeatTimeoutSeconds)
{
    /// <returns> What is wrong with the terms and what is allowed; null when they can be kept. A timeout below two intervals would expire a
    /// holder for one late beat.
    /// </returns>
    public string? Complaint()
    {
        if (MaxWaitSeconds < 0)
            return $"maxWaitSeconds is {MaxWaitSeconds}; allowed: 0 (no limit) or more";
        if (StartDeadlineSeconds < 1)
            return $"startDeadlineSeconds is {StartDeadlineSeconds}; allowed: 1 or more";
        if (HeartbeatIntervalSeconds < 1)
            return $"heartbeatIntervalSeconds is {HeartbeatIntervalSeconds}; allowed: 1 or more";
        return HeartbeatTimeoutSeconds < 2L * HeartbeatIntervalSeconds
            ? $"heartbeatTimeoutSeconds is {HeartbeatTimeoutSeconds}; allowed: twice the interval ({HeartbeatIntervalSeconds}) or more"
            : null;
    }
}

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

    /// <summary>An authorised person's word.</summary>
    Person,

    /// <summary>After a change of authority: every worker pod that the cluster knew on the node has ended, and the node is ready.</summary>
    PodsAccounted,
}
