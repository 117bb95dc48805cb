using System.Collections.Immutable;

namespace Framelease.Domain.Leasing;

/// <summary>A lease as its events tell it.</summary>
public sealed record LeaseState
{
    public static LeaseState Initial { get; } = new();

    public LeasePhase Phase { get; init; }

    public LeaseRequested? Request { get; init; }

    public LeaseGranted? Grant { get; init; }

    public LeaseAttached? Attachment { get; init; }

    public DateTimeOffset? RequestedAt { get; init; }

    public DateTimeOffset? GrantedAt { get; init; }

    public DateTimeOffset? AttachedAt { get; init; }

    public DateTimeOffset? WarnedAt { get; init; }

    /// <summary>When the present stall was recorded; null while there is progress.</summary>
    public DateTimeOffset? StalledAt { get; init; }

    public DrainOnRecord? Drain { get; init; }

    /// <summary>What would have ended it, in a pool that detects only.</summary>
    public LeaseDeadlockDetected? Deadlock { get; init; }

    public DateTimeOffset? DeadlockAt { get; init; }

    /// <summary>Why a slot is not free yet though its holder gave it back: only the end of the holder's pod makes it so.</summary>
    public const string Releasing = nameof(Releasing);

    /// <summary>The cluster gave the pod its device and counts it as the pod's until its end: the slot is not free before.</summary>
    public bool FollowsPod => Grant?.Terms is { DevicePlugin: not null } or { Dra: not null };

    /// <summary>Given back cleanly, and waiting for the pod to end.</summary>
    public bool IsReleasing => SlotQuarantined && QuarantineReason is Releasing;

    /// <summary>Its silence, stall and hard limit end nothing.</summary>
    public bool IsDetectedOnly => Grant?.Terms.DetectOnly is true;

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it ended, in a fixed CamelCase reason, and in words.</summary>
    public string? EndReason { get; init; }

    public string? EndMessage { get; init; }

    /// <summary>True from SlotQuarantined to SlotFreed.</summary>
    public bool SlotQuarantined { get; init; }

    /// <summary>Why the slot went into quarantine; null before.</summary>
    public string? QuarantineReason { get; init; }

    public SlotFreed? Freed { get; init; }

    /// <summary>Writes refused under an old fence, the first of each pod and kind.</summary>
    public ImmutableList<StaleHolderRejected> Rejections { get; init; } = [];

    /// <summary>An event that this version does not know was met: readers go on, deciders refuse (R8).</summary>
    public bool HasUnknownEvents { get; init; }

    /// <summary>The holder has the slot: Granted, or Draining.</summary>
    public bool IsGranted => Phase is LeasePhase.Granted or LeasePhase.Draining;

    public bool IsEnded => Phase is LeasePhase.Released or LeasePhase.Expired or LeasePhase.Revoked or LeasePhase.GaveUp;

    /// <param name="at">When the event was recorded, by PostgreSQL's clock.</param>
    public LeaseState Evolve(object? recorded, DateTimeOffset at) => recorded switch
    {
        LeaseRequested e => this with { Phase = LeasePhase.Pending, Request = e, RequestedAt = at },
        LeaseGranted e => this with { Phase = LeasePhase.Granted, Grant = e, GrantedAt = at },
        LeaseAttached e => this with { Attachment = e, AttachedAt = at },
        LeaseWarned => this with { WarnedAt = at },
        LeaseStalled => this with { StalledAt = at },
        LeaseProgressed when Deadlock?.Cause is ExpiryCause.Stalled => this with { StalledAt = null, Deadlock = null, DeadlockAt = null },
        LeaseProgressed => this with { StalledAt = null },
        LeaseDeadlockDetected e => this with { Deadlock = e, DeadlockAt = at },
        LeaseDrainRequested e => this with { Phase = LeasePhase.Draining, Drain = new DrainOnRecord(at, e.Cause, e.GraceSeconds) },
        LeaseReleased e => Ended(LeasePhase.Released, at, "Released", e.Reason),
        LeaseExpired e => Ended(LeasePhase.Expired, at, e.Cause.ToString(), e.Message),
        LeaseRevoked e => Ended(LeasePhase.Revoked, at, "Revoked", $"by {e.By}: {e.Message}"),
        LeaseGaveUp e => Ended(LeasePhase.GaveUp, at, e.Reason, "ended before a grant"),
        Leasing.SlotQuarantined e => this with { SlotQuarantined = true, QuarantineReason = e.Reason },
        SlotFreed e => this with { SlotQuarantined = false, Freed = e },
        StaleHolderRejected e => this with { Rejections = Rejections.Add(e) },
        _ => this with { HasUnknownEvents = true },
    };

    /// <summary>What the grades hang on; null before the grant.</summary>
    public HoldTimes? Hold(DateTimeOffset? drainDeliveredAt, bool stillStalled) => GrantedAt is { } granted
        ? new HoldTimes(granted, WarnedAt, stillStalled ? StalledAt : null, Drain, drainDeliveredAt, IsDetectedOnly, Deadlock is not null)
        : null;

    LeaseState Ended(LeasePhase phase, DateTimeOffset at, string reason, string message) =>
        this with { Phase = phase, EndedAt = at, EndReason = reason, EndMessage = message };
}

public enum LeasePhase
{
    None,
    Pending,
    Granted,

    /// <summary>Granted, and asked to end.</summary>
    Draining,
    Released,
    Expired,
    Revoked,
    GaveUp,
}
