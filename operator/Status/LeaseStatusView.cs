using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Status;

/// <summary>Status of a GpuLease as a pure function of its events, and of why it waits.</summary>
static class LeaseStatusView
{
    /// <param name="lost">What the object told that the log lacks.</param>
    /// <param name="isDoubted">The holder of such a lease may still use its slot.</param>
    public static GpuLeaseStatus Of(
        LeaseState state, long? generation, Obstacle? wait, DateTimeOffset now, IReadOnlyList<Condition>? previous, LostHistory? lost = null,
        bool isDoubted = false)
    {
        var conditions = new ConditionSet(previous, generation, now);
        Granted(conditions, state, wait);
        Attached(conditions, state);
        Stalled(conditions, state);
        Deadlocked(conditions, state);
        Draining(conditions, state);
        Finished(conditions, state);
        SlotFree(conditions, state, isDoubted || (lost is not null && !state.IsEnded));
        LostHistory.Write(conditions, lost);
        conditions.Keep(PlatformFinalizers.BlockedCondition);
        var (reason, message) = Why(state, wait);
        var (grade, gradeAt) = Next(state);
        return new GpuLeaseStatus
        {
            State = StateOf(state),
            Reason = reason,
            Message = message,
            ObservedGeneration = generation,
            Conditions = conditions.ToList(),
            Node = state.Grant?.Slot.Node,
            Device = state.Grant?.Slot.Device,
            DeviceUuid = state.Attachment?.DeviceUuid,
            Slot = state.Grant?.Slot.Slot,
            Token = state.Grant?.Token,
            RequestedTime = state.RequestedAt,
            GrantedTime = state.GrantedAt,
            AttachedTime = state.AttachedAt,
            Pod = state.Attachment?.PodUid,
            NextGrade = grade,
            NextGradeTime = gradeAt is { } at ? new DateTimeOffset(at.UtcTicks - at.UtcTicks % TimeSpan.TicksPerSecond, TimeSpan.Zero)
                : null,
            WarnedTime = state.WarnedAt,
            DrainTime = state.Drain?.At,
            StalledTime = state.IsGranted ? state.StalledAt : null,
            EndedTime = state.EndedAt,
        };
    }

    /// <summary>One word for people: where a lease is, quarantine before all.</summary>
    public static string StateOf(LeaseState state) => state switch
    {
        { IsReleasing: true } => LeaseState.Releasing,
        { SlotQuarantined: true } => "Quarantined", // before all else: it is what keeps the slot from others
        { Phase: LeasePhase.None } => "Pending",
        _ => state.Phase.ToString(),
    };

    static (string? Reason, string? Message) Why(LeaseState state, Obstacle? wait) => state switch
    {
        { IsReleasing: true } => (LeaseState.Releasing, $"{state.EndMessage}; slot {state.Grant!.Slot} is free when its pod has ended"),
        { SlotQuarantined: true } => (state.EndReason, $"{state.EndMessage}; slot {state.Grant!.Slot} waits for proof that nobody uses it"),
        { IsEnded: true } => (state.EndReason, state.Freed is { } f ? $"{state.EndMessage}; freed by {f.Proof}: {f.Evidence}" : state.EndMessage),
        { IsGranted: true, Deadlock: { } d } => ("Deadlocked", $"{d.Cause}: {d.Message}; {ByPerson}"),
        { Phase: LeasePhase.Draining, Drain: { } d } =>
            ("Draining", $"asked to end at {d.At:u} ({d.Cause}), force after {d.GraceSeconds} s"),
        { IsGranted: true, StalledAt: { } since } => ("Stalled", $"beats come, and nothing has moved since before {since:u}"),
        { Phase: LeasePhase.Pending or LeasePhase.None } => (wait?.Reason ?? "WaitingForSlot", wait?.Message ?? "in the queue"),
        _ => (null, null),
    };

    static void Granted(ConditionSet c, LeaseState state, Obstacle? wait)
    {
        if (state.Grant is { } g)
            c.True("Granted", "Granted", $"slot {g.Slot} under token {g.Token}", state.GrantedAt);
        else if (state.IsEnded)
            c.False("Granted", state.EndReason!, state.EndMessage!, state.EndedAt);
        else
            c.False("Granted", wait?.Reason ?? "WaitingForSlot", wait?.Message ?? "in the queue");
    }

    static void Attached(ConditionSet c, LeaseState state)
    {
        if (state.Attachment is { } a)
            c.True("Attached", "Attached", $"{(state.Request?.TaskUid is null ? "holder" : "pod")} {a.PodUid} on {a.Node}{Seen(state)}",
                state.AttachedAt);
        else
            c.False("Attached", "NotAttached", "no holder made itself known");
    }

    static string Seen(LeaseState state) => !state.FollowsPod ? "" : state.Attachment!.DeviceUuid is { } uuid ? $", device {uuid}"
        : state.Grant!.Terms.Dra is not null ? "; it could not tell that its device is that of its claim"
        : "; it could not tell which device the kubelet gave it";

    // The grade that comes next if the holder does not end before; before the attach, the start deadline.
    static (string? Grade, DateTimeOffset? At) Next(LeaseState state)
    {
        if (state is not { IsGranted: true, Grant: { } grant, GrantedAt: { } granted })
            return (null, null);
        if (state.Attachment is null)
            return ("Attach", granted.AddSeconds(grant.Terms.StartDeadlineSeconds));
        if (state.Drain is { } drain)
            return state.IsDetectedOnly && drain.Cause is not DrainCause.DeviceDrained ? (null, null)
                : (nameof(LeaseGrade.Force), drain.At.AddSeconds(drain.GraceSeconds));
        return LeaseGrades.Next(state.Hold(null, stillStalled: true)!, grant.Terms.Grades) is { } due ? (due.Grade.ToString(), due.At)
            : (null, null);
    }

    static void Stalled(ConditionSet c, LeaseState state)
    {
        if (state is { IsGranted: true, StalledAt: { } since })
            c.True("Stalled", "NoProgress", "beats come, and nothing moves", since);
        else
            c.False("Stalled", state.IsGranted ? "Progressing" : "NotHeld", state.IsGranted ? "no stall is on record"
                : "nobody holds the slot");
    }

    const string ByPerson = "the pool detects only (autoRecovery: false): release the lock, or delete the GpuLease, to end it";

    static void Deadlocked(ConditionSet c, LeaseState state)
    {
        if (state is { IsGranted: true, Deadlock: { } d })
            c.True("Deadlocked", d.Cause.ToString(), $"{d.Message}; {ByPerson}", state.DeadlockAt);
        else
            c.False("Deadlocked", "NotDetected", "nothing is on record that should have ended the lease");
    }

    static void Draining(ConditionSet c, LeaseState state)
    {
        if (state.Drain is { } drain)
            c.True("Draining", drain.Cause.ToString(), $"asked to end; force after {drain.GraceSeconds} s", drain.At);
        else
            c.False("Draining", "NotAsked", "the holder was not asked to end");
    }

    static void Finished(ConditionSet c, LeaseState state)
    {
        if (state.IsEnded)
            c.True("Finished", state.EndReason!, state.EndMessage!, state.EndedAt);
        else
            c.False("Finished", "InProgress", "the lease has not ended");
    }

    static void SlotFree(ConditionSet c, LeaseState state, bool isDoubted)
    {
        if (isDoubted)
            c.False("SlotFree", LostHistory.Condition, "the slot that it was granted in the lost history waits for proof that its holder is gone");
        else if (state.IsReleasing)
            c.False("SlotFree", LeaseState.Releasing, $"slot {state.Grant!.Slot} is free when its pod has ended", state.EndedAt);
        else if (state.SlotQuarantined)
            c.False("SlotFree", "Quarantined", $"slot {state.Grant!.Slot} waits for proof that nobody uses it", state.EndedAt);
        else if (state.IsEnded)
            c.True("SlotFree", state.Freed?.Proof.ToString() ?? "Released", state.Freed?.Evidence ?? "given back by its holder");
        else
            c.False("SlotFree", state.Grant is null ? "NotGranted" : "Held", state.Grant is null ? "no slot yet" : $"slot {state.Grant.Slot} is held");
    }
}
