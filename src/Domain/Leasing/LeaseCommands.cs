namespace Framelease.Domain.Leasing;

/// <summary>Everything that can be asked of a lease.</summary>
public abstract record LeaseCommand
{
    LeaseCommand()
    {
    }

    public sealed record Request(LeaseRequested Wish) : LeaseCommand;

    /// <param name="Slot">As read from the slot table in the same round; the commit is guarded by exactly this row.</param>
    public sealed record Grant(SlotSnapshot Slot) : LeaseCommand;

    /// <param name="DeviceUuid">That the holder sees; kept only where the kubelet chose its device.</param>
    public sealed record Attach(
        string PodUid, string Node, long Token, string? BootId = null, HolderProcess? Process = null, string? DeviceUuid = null)
        : LeaseCommand;

    /// <summary>The holder's own word, under its token.</summary>
    /// <param name="PodUid">Who says it: must be the attached pod. Null only where the caller speaks for nobody in particular and has
    /// checked the attempt.</param>
    public sealed record Release(long Token, string Reason, string? PodUid = null) : LeaseCommand;

    /// <summary>Delivers the grade that is due, if one is.</summary>
    /// <param name="Now">PostgreSQL's clock.</param>
    /// <param name="DrainDeliveredAt">When the holder first heard the drain command; kept beside the log, with the beats.</param>
    /// <param name="StillStalled">The stall on record lasts, and was watched without a break for a whole progress timeout.</param>
    public sealed record Grade(DateTimeOffset Now, DateTimeOffset? DrainDeliveredAt = null, bool StillStalled = false) : LeaseCommand;

    /// <summary>Beats came, and nothing moved for a whole progress timeout.</summary>
    public sealed record Stall(int Seconds) : LeaseCommand;

    /// <summary>Something moved.</summary>
    public sealed record Progress : LeaseCommand;

    /// <summary>Asks the holder to end, for a reason that does not lie in the lease.</summary>
    public sealed record Drain(DrainCause Cause, string Message) : LeaseCommand;

    /// <param name="PodUid">Whose end or silence it is; when given, it must be the attached pod, if there is one.</param>
    public sealed record Expire(ExpiryCause Cause, string Message, string? PodUid = null) : LeaseCommand;

    public sealed record Revoke(string By, string Message) : LeaseCommand;

    /// <summary>The database that granted it is another one now (R12): nobody can tell who has the slot.</summary>
    public sealed record ChangeAuthority(string Message) : LeaseCommand;

    /// <summary>Ends a lease that was never granted.</summary>
    public sealed record GiveUp(string Reason) : LeaseCommand;

    /// <param name="PodUid">Whose end is proven; when given, it must be the attached pod, if there is one.</param>
    /// <param name="Now">PostgreSQL's clock; needed by <see cref="FreeProof.LockDelay"/> alone.</param>
    /// <param name="Token">Under which the slot was quarantined, as whoever proves it was told; needed by
    /// <see cref="FreeProof.NodeAgent"/> alone.</param>
    public sealed record Free(
        FreeProof Proof, string Evidence, string? PodUid = null, DateTimeOffset? Now = null, long? Token = null) : LeaseCommand;

    public sealed record RejectStaleHolder(string PodUid, long PresentedToken, string Write) : LeaseCommand;
}

/// <summary>A row of the slot table.</summary>
public sealed record SlotSnapshot(
    SlotKey Key, string Pool, SlotState State, long Token, string? LeaseUid, string DeviceName, string DeviceKind, int DeviceIndex)
{
    public DeviceTraits Traits { get; init; } = DeviceTraits.Unknown;

    /// <summary>Given back by its holder, whose pod has not ended yet.</summary>
    public bool IsReleasing => State is SlotState.Quarantined && Traits.Reason is LeaseState.Releasing;
}

/// <summary>What a slot's device has, and whether it serves.</summary>
/// <param name="MemoryMiB">0 = unknown: not counted.</param>
/// <param name="EncodeSessions">That it carries at a time; 0 = not counted.</param>
/// <param name="OutOfService">Cordoned, Degraded, Surplus or Taken; null while it serves.</param>
public sealed record DeviceTraits(
    int MemoryMiB, int EncodeSessions, int DecodeSessions, string? OutOfService = null, string? Reason = null)
{
    /// <summary>It takes one lease at a time, after all other devices.</summary>
    public bool OnProbation { get; init; }

    public static DeviceTraits Unknown { get; } = new(0, 0, 0);

    /// <summary>Whether the device, empty, has room.</summary>
    public bool CanHold(DeviceNeed need) => Fits(MemoryMiB, need.VramMiB) && Fits(EncodeSessions, need.EncodeSessions)
        && Fits(DecodeSessions, need.DecodeSessions);

    static bool Fits(int has, int needs) => has == 0 || needs <= has;
}

public enum SlotState
{
    Free,
    Granted,
    Quarantined,
}
