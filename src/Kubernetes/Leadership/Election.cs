// The election as a pure step: from (state, what happened, our own clock) to (next state, what to do).
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Leadership;

/// <summary>What we believe about the Lease.</summary>
abstract record ElectionState
{
    ElectionState()
    {
    }

    /// <summary>Somebody else leads, or nobody. <paramref name="Seen"/> is null until the Lease was read.</summary>
    public sealed record Candidate(Sighting? Seen) : ElectionState;

    /// <summary>We lead, by the Lease in this version.</summary>
    /// <param name="RenewedAt">When the last renewal that succeeded was sent, by our clock: others saw it no earlier than that.</param>
    public sealed record Leader(Lease Own, TimeSpan RenewedAt) : ElectionState;
}

/// <summary>A Lease, and since when it has not changed, by our clock. The times inside are another machine's.</summary>
sealed record Sighting(Lease Lease, TimeSpan At);

/// <summary>What happened.</summary>
abstract record ElectionInput
{
    ElectionInput()
    {
    }

    /// <summary>The wait is over, or things begin.</summary>
    public sealed record Woke : ElectionInput;

    /// <param name="Lease">Null: there is none.</param>
    public sealed record Found(Lease? Lease) : ElectionInput;

    /// <summary>Our write was stored.</summary>
    /// <param name="SentAt">When it was sent, by our clock.</param>
    public sealed record Wrote(Lease Lease, TimeSpan SentAt) : ElectionInput;

    /// <summary>Somebody else wrote first.</summary>
    public sealed record Beaten : ElectionInput;

    /// <summary>No answer, or a refusal. Whether a write was stored is then unknown.</summary>
    public sealed record Failed : ElectionInput;
}

/// <summary>What to do next.</summary>
abstract record ElectionAction
{
    ElectionAction()
    {
    }

    public sealed record Read : ElectionAction;

    /// <summary>There is none: create it, held by us.</summary>
    public sealed record Create : ElectionAction;

    /// <summary>Write ourselves into this very version of it.</summary>
    public sealed record Hold(Lease Lease) : ElectionAction;

    /// <param name="Jitter">Spread, so that candidates do not come all at once; a leader is punctual.</param>
    public sealed record Wait(TimeSpan For, bool Jitter) : ElectionAction;
}

static class Election
{
    /// <param name="now">Our own clock; only differences count.</param>
    public static (ElectionState Next, ElectionAction Do) Step(
        ElectionState state, ElectionInput input, TimeSpan now, LeaderElectionOptions options)
    {
        if (input is ElectionInput.Wrote wrote)
            state = new ElectionState.Leader(wrote.Lease, wrote.SentAt);

        // Too late, be it that nothing got through or that we slept: others may hold it any moment.
        if (state is ElectionState.Leader { RenewedAt: var renewed, Own: var own } && now - renewed >= options.RenewDeadline)
            (state, input) = (new ElectionState.Candidate(new(own, renewed)), new ElectionInput.Woke());
        return (state, input) switch
        {
            (ElectionState.Leader, ElectionInput.Wrote) => (state, new ElectionAction.Wait(options.RetryPeriod, Jitter: false)),
            (ElectionState.Candidate, ElectionInput.Woke) => (state, new ElectionAction.Read()),
            (ElectionState.Candidate, ElectionInput.Found { Lease: null }) => (state, new ElectionAction.Create()),
            (ElectionState.Candidate { Seen: var seen }, ElectionInput.Found { Lease: { } lease }) => OnFound(seen, lease, now, options),
            (ElectionState.Candidate, _) => (state, new ElectionAction.Wait(options.RetryPeriod, Jitter: true)),
            (ElectionState.Leader leader, ElectionInput.Woke) => (state, new ElectionAction.Hold(leader.Own)),
            (ElectionState.Leader, ElectionInput.Beaten) => (state, new ElectionAction.Read()), // a takeover, or somebody's label
            (ElectionState.Leader, ElectionInput.Found { Lease: null }) => (state, new ElectionAction.Create()), // deleted by hand
            (ElectionState.Leader leader, ElectionInput.Found { Lease: { } lease }) when Holder(lease) == options.Identity =>
                (leader with { Own = lease }, new ElectionAction.Hold(lease)),
            (ElectionState.Leader, ElectionInput.Found { Lease: { } lease }) => OnFound(null, lease, now, options),
            _ => (state, new ElectionAction.Wait(options.RetryPeriod / 2, Jitter: false)), // a failed renewal: sooner again
        };
    }

    /// <summary>What a new holder writes. Version and all other fields stay as they are.</summary>
    /// <param name="wallClock">For people who look at the Lease; no candidate of ours compares it.</param>
    public static LeaseSpec Held(Lease? before, DateTimeOffset wallClock, LeaderElectionOptions options)
    {
        var renews = before is not null && Holder(before) == options.Identity;
        return new()
        {
            HolderIdentity = options.Identity,
            LeaseDurationSeconds = (int)options.LeaseDuration.TotalSeconds,
            AcquireTime = renews ? before!.Spec!.AcquireTime : wallClock,
            RenewTime = wallClock,
            LeaseTransitions = renews ? before!.Spec!.LeaseTransitions ?? 0 : before is null ? 0 : (before.Spec?.LeaseTransitions ?? 0) + 1,
        };
    }

    /// <summary>Null or empty when nobody holds it.</summary>
    public static string? Holder(Lease lease) => lease.Spec?.HolderIdentity is { Length: > 0 } holder ? holder : null;

    static (ElectionState, ElectionAction) OnFound(Sighting? before, Lease lease, TimeSpan now, LeaderElectionOptions options)
    {
        var seen = before is not null && before.Lease.Spec == lease.Spec ? before with { Lease = lease } : new Sighting(lease, now);
        var next = new ElectionState.Candidate(seen);
        if (Holder(lease) is not { } holder || holder == options.Identity) // ours: a write whose answer was lost
            return (next, new ElectionAction.Hold(lease));
        var duration = TimeSpan.FromSeconds(Math.Max(lease.Spec!.LeaseDurationSeconds ?? 0, 1));
        var left = seen.At + duration - now;
        if (left <= TimeSpan.Zero)
            return (next, new ElectionAction.Hold(lease));
        return (next, new ElectionAction.Wait(left < options.RetryPeriod ? left : options.RetryPeriod, Jitter: true));
    }
}
