namespace Framelease.Domain.Leasing;

/// <summary>
/// decide(state, command) → events for one lease. One GpuLease per attempt, granted at most once (R6); a bad end quarantines its slot (R4).
/// </summary>
public static class LeaseDecider
{
    /// <summary>Refused writes recorded per lease: whoever comes with ever new pods must not fill the log.</summary>
    public const int MaxRejections = 32;

    public static Decision<ILeaseEvent> Decide(LeaseState state, LeaseCommand command)
    {
        if (state.HasUnknownEvents)
            return Decision<ILeaseEvent>.No("UnknownEvents", "this stream holds events of a newer version; upgrade before deciding on it");
        return command switch
        {
            LeaseCommand.Request c => Request(state, c),
            LeaseCommand.Grant c => Grant(state, c),
            LeaseCommand.Attach c => Attach(state, c),
            LeaseCommand.Release c => Release(state, c),
            LeaseCommand.Grade c => LeaseGradeDecider.Grade(state, c),
            LeaseCommand.Stall c => LeaseGradeDecider.Stall(state, c),
            LeaseCommand.Progress => LeaseGradeDecider.Progress(state),
            LeaseCommand.Drain c => LeaseGradeDecider.Drain(state, c),
            LeaseCommand.Expire c => Expire(state, c),
            LeaseCommand.Revoke c => Revoke(state, c),
            LeaseCommand.ChangeAuthority c => ChangeAuthority(state, c),
            LeaseCommand.GiveUp c => GiveUp(state, c),
            LeaseCommand.Free c => Free(state, c),
            LeaseCommand.RejectStaleHolder c => RejectStaleHolder(state, c),
            _ => throw new InvalidOperationException($"command {command.GetType().Name} has no decision"),
        };
    }

    static Decision<ILeaseEvent> Request(LeaseState state, LeaseCommand.Request c)
    {
        if (state.Phase is not LeasePhase.None)
            return Nothing;
        return c.Wish.Terms.Complaint() is { } complaint ? No("InvalidTerms", complaint) : Of(c.Wish);
    }

    static Decision<ILeaseEvent> Grant(LeaseState state, LeaseCommand.Grant c) => (state.Phase, c.Slot.State) switch
    {
        (LeasePhase.Pending, _) when state.Request!.Pool != c.Slot.Pool => No(
            "WrongPool", $"the lease asks for pool {state.Request.Pool}; slot {c.Slot.Key} belongs to pool {c.Slot.Pool}"),
        (LeasePhase.Pending, SlotState.Free) when c.Slot.Traits.OutOfService is { } why => No(
            "OutOfService", $"slot {c.Slot.Key} is out of service: {why}"),
        (LeasePhase.Pending, SlotState.Free) => Of(new LeaseGranted(
            c.Slot.Key, c.Slot.DeviceName, c.Slot.DeviceKind, c.Slot.DeviceIndex, checked(c.Slot.Token + 1), state.Request.Terms)),
        (LeasePhase.Pending, _) => No("SlotNotFree", $"slot {c.Slot.Key} is {c.Slot.State}"),
        (LeasePhase.Granted or LeasePhase.Draining, _) => No("AlreadyGranted", "a lease is never granted twice"),
        _ => No("NotPending", $"the lease is {state.Phase}"),
    };

    static Decision<ILeaseEvent> Attach(LeaseState state, LeaseCommand.Attach c)
    {
        if (!Holds(state, c.Token))
            return Stale(state, c.Token);
        if (state.Attachment is null)
            return Of(new LeaseAttached(c.PodUid, c.Node, c.BootId, c.Process, state.FollowsPod ? c.DeviceUuid : null));
        return state.Attachment.PodUid == c.PodUid ? Nothing : NotTheHolder(state.Attachment);
    }

    static Decision<ILeaseEvent> Release(LeaseState state, LeaseCommand.Release c)
    {
        if (IsOther(state, c.PodUid))
            return NotTheHolder(state.Attachment!);
        return Holds(state, c.Token)
            ? Released(state, c.Reason)
            : state.Phase is LeasePhase.Released && state.Grant!.Token == c.Token ? Nothing : Stale(state, c.Token);
    }

    // A device that the kubelet handed out is the pod's until the pod has ended: who comes before would find none left.
    static Decision<ILeaseEvent> Released(LeaseState state, string reason) => state is { FollowsPod: true, Grant: { } grant }
        ? Of(new LeaseReleased(reason, SlotHeld: true), new SlotQuarantined(grant.Slot, grant.Token, LeaseState.Releasing))
        : Of(new LeaseReleased(reason));

    // Causes that the stream contradicts are refused: the one who saw the deadline pass looked before the attach that this state already
    // holds.
    static Decision<ILeaseEvent> Expire(LeaseState state, LeaseCommand.Expire c) => (state.IsGranted, c.Cause, state.Attachment) switch
    {
        (true, ExpiryCause.HardTimeout or ExpiryCause.Stalled, _) => No("NotGraded", $"{c.Cause} is a grade: it comes after the others"),
        (true, ExpiryCause.StartDeadline, { } a) => No("AlreadyAttached", $"pod {a.PodUid} attached in time"),
        (true, ExpiryCause.HeartbeatLost, null) => No(
            "NotAttached", "silence counts from the attach on; before it, the start deadline does"),
        (true, _, { } a) when IsOther(state, c.PodUid) => No(
            "NotTheHolder", $"{c.Cause} of pod {c.PodUid}, but pod {a.PodUid} is attached"),
        (true, ExpiryCause.HeartbeatLost, _) when state.IsDetectedOnly => Detect(state, c.Cause, c.Message),
        _ => EndBadly(state, new LeaseExpired(c.Cause, c.Message), c.Cause.ToString()),
    };

    // Told once: whoever looks every second tells nothing new.
    internal static Decision<ILeaseEvent> Detect(LeaseState state, ExpiryCause cause, string message) =>
        state.Deadlock is null ? Of(new LeaseDeadlockDetected(cause, message)) : Nothing;

    static Decision<ILeaseEvent> Revoke(LeaseState state, LeaseCommand.Revoke c) => state.Phase switch
    {
        LeasePhase.Pending => Of(new LeaseGaveUp("Revoked")),
        _ => EndBadly(state, new LeaseRevoked(c.By, c.Message), "Revoked"),
    };

    // A lease that waits goes on waiting: nothing was handed out under it.
    static Decision<ILeaseEvent> ChangeAuthority(LeaseState state, LeaseCommand.ChangeAuthority c) =>
        state.IsGranted ? EndBadly(state, new LeaseRevoked("authority", c.Message), "AuthorityChanged") : Nothing;

    static Decision<ILeaseEvent> GiveUp(LeaseState state, LeaseCommand.GiveUp c) => state.Phase switch
    {
        LeasePhase.Pending => Of(new LeaseGaveUp(c.Reason)),
        LeasePhase.Granted or LeasePhase.Draining => No("AlreadyGranted", "a granted lease is revoked, not given up"),
        _ => Nothing,
    };

    // Expiry is not freedom (R4): the slot goes to quarantine, and only a proof frees it. That nobody ever attached is such a proof,
    // because a holder touches nothing before attach, and after the end attach is refused; whoever records it says so by
    // Free(NeverAttached).
    internal static Decision<ILeaseEvent> EndBadly(LeaseState state, ILeaseEvent end, string reason)
    {
        if (!state.IsGranted)
            return state.IsEnded ? Nothing : No("NotGranted", $"the lease is {state.Phase}");
        var grant = state.Grant!;
        return Of(end, new SlotQuarantined(grant.Slot, grant.Token, reason));
    }

    static Decision<ILeaseEvent> Free(LeaseState state, LeaseCommand.Free c)
    {
        // What was true while the lease was alive proves nothing for later: only after its bad end does a proof count.
        if (!state.SlotQuarantined)
            return state.IsEnded ? Nothing : No("NotQuarantined", $"the lease is {state.Phase}; end it first");
        if (c.Proof is FreeProof.NeverAttached or FreeProof.NeverStarted && state.Attachment is not null)
            return No("NotProven", $"pod {state.Attachment.PodUid} attached under this grant");
        if (IsOther(state, c.PodUid))
            return No("NotProven", $"{c.Proof} of pod {c.PodUid}, but pod {state.Attachment!.PodUid} attached under this grant");
        if (c.Proof is FreeProof.LockDelay && LockDelayComplaint(state, c.Now) is { } tooEarly)
            return No("NotProven", tooEarly);
        if (c.Proof is FreeProof.NodeAgent && (LeaseSighting.Complaint(state) ?? TokenComplaint(state, c.Token)) is { } unseen)
            return No("NotProven", unseen);
        if (string.IsNullOrWhiteSpace(c.Evidence))
            return No("NotProven", $"{c.Proof} names no evidence");
        return Of(new SlotFreed(state.Grant!.Slot, state.Grant.Token, c.Proof, c.Evidence));
    }

    static string? TokenComplaint(LeaseState state, long? token) => token == state.Grant!.Token
        ? null
        : $"the slot is in quarantine under token {state.Grant.Token}; the proof is for {(token is { } t ? $"token {t}" : "no token")}";

    static string? LockDelayComplaint(LeaseState state, DateTimeOffset? now)
    {
        if (state.Grant!.Terms.LockDelay is not { } terms || terms.Complaint() is not null)
            return "the lease was granted without a lock delay: its slot is never freed by time";
        var due = state.EndedAt!.Value.AddSeconds(terms.LockDelaySeconds);
        return now >= due ? null : $"the lock delay of {terms.LockDelaySeconds} s ends at {due:O}";
    }

    // Once per pod and kind of write (R2): a zombie that beats for hours is one line in the history.
    static Decision<ILeaseEvent> RejectStaleHolder(LeaseState state, LeaseCommand.RejectStaleHolder c)
    {
        if (state.Phase is LeasePhase.None)
            return No("NoSuchLease", "the lease was never requested");
        return state.Rejections.Count >= MaxRejections || state.Rejections.Any(r => r.PodUid == c.PodUid && r.Write == c.Write)
            ? Nothing
            : Of(new StaleHolderRejected(c.PodUid, c.PresentedToken, c.Write));
    }

    static bool Holds(LeaseState state, long token) => state.IsGranted && state.Grant!.Token == token;

    static bool IsOther(LeaseState state, string? podUid) => podUid is not null && state.Attachment is { } a && a.PodUid != podUid;

    static Decision<ILeaseEvent> NotTheHolder(LeaseAttached holder) => No("StaleHolder", $"pod {holder.PodUid} is attached to this lease");

    static Decision<ILeaseEvent> Stale(LeaseState state, long token) => No(
        "StaleHolder",
        state.Grant is null
            ? $"the lease is {state.Phase} and was never granted"
            : $"the lease is {state.Phase} under token {state.Grant.Token}; token {token} was presented");

    static Decision<ILeaseEvent> Of(params ILeaseEvent[] events) => Decision<ILeaseEvent>.Of(events);

    static Decision<ILeaseEvent> Nothing => Decision<ILeaseEvent>.Nothing;

    static Decision<ILeaseEvent> No(string reason, string message) => Decision<ILeaseEvent>.No(reason, message);
}
