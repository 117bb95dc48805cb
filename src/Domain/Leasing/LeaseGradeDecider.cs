namespace Framelease.Domain.Leasing;

/// <summary>
/// The part of <see cref="LeaseDecider"/> that grades a held lease: each grade is one event, once, in order, whoever asks and how often.
/// </summary>
static class LeaseGradeDecider
{
    public static Decision<ILeaseEvent> Grade(LeaseState state, LeaseCommand.Grade c)
    {
        // Nobody to ask, nobody to force: the start deadline is the limit of a grant to which nobody attached.
        if (!state.IsGranted || state.Attachment is null)
            return Nothing;
        var hold = state.Hold(c.DrainDeliveredAt, c.StillStalled)!;
        var terms = state.Grant!.Terms.Grades;
        if (LeaseGrades.Next(hold, terms) is not { } due || due.At > c.Now)
            return Nothing;
        var held = (int)(c.Now - hold.GrantedAt).TotalSeconds;
        return due.Grade switch
        {
            LeaseGrade.Warning => Of(new LeaseWarned(held)),
            LeaseGrade.Drain when state.IsDetectedOnly && due.Cause is DrainCause.Stalled => LeaseDecider.Detect(
                state, ExpiryCause.Stalled, WhyDrain(DrainCause.Stalled, terms!, held)),
            LeaseGrade.Drain => Of(new LeaseDrainRequested(
                due.Cause!.Value, LeaseGrades.GraceSeconds(hold, terms!, due.Cause.Value, c.Now), WhyDrain(due.Cause.Value, terms!, held))),
            _ => Force(state, due.Cause!.Value, held),
        };
    }

    public static Decision<ILeaseEvent> Stall(LeaseState state, LeaseCommand.Stall c) =>
        state is { Phase: LeasePhase.Granted, Attachment: not null, StalledAt: null }
            && state.Grant!.Terms.Grades is { ProgressTimeoutSeconds: > 0 and var timeout }
            ? c.Seconds >= timeout ? Of(new LeaseStalled(c.Seconds))
                : No("NotStalled", $"{c.Seconds} s without progress; the timeout is {timeout} s")
            : Nothing;

    public static Decision<ILeaseEvent> Progress(LeaseState state) =>
        state is { IsGranted: true, StalledAt: not null } ? Of(new LeaseProgressed()) : Nothing;

    public static Decision<ILeaseEvent> Drain(LeaseState state, LeaseCommand.Drain c) => state switch
    {
        { Phase: LeasePhase.Draining } or { IsEnded: true } => Nothing,
        { Phase: LeasePhase.Granted, Attachment: null } =>
            No("NotAttached", "nobody attached who could be asked; revoke the lease instead"),
        { Phase: LeasePhase.Granted } =>
            Of(new LeaseDrainRequested(c.Cause, state.Grant!.Terms.Grades?.DrainGraceSeconds ?? DefaultGraceSeconds, c.Message)),
        _ => No("NotGranted", $"the lease is {state.Phase}"),
    };

    /// <summary>For leases of before graded terms.</summary>
    const int DefaultGraceSeconds = 30;

    static Decision<ILeaseEvent> Force(LeaseState state, DrainCause cause, int held) => cause switch
    {
        DrainCause.SoftTimeout =>
            Expire(state, ExpiryCause.HardTimeout, $"held for {held} s, hard limit {state.Grant!.Terms.Grades!.HardSeconds} s"),
        DrainCause.Stalled => Expire(state, ExpiryCause.Stalled, $"asked to end at {state.Drain!.At:u} because nothing moved, and did not"),
        _ => LeaseDecider.EndBadly(state, new LeaseRevoked("drain", $"asked to end at {state.Drain!.At:u} ({cause}), and did not"),
            "Drained"),
    };

    static Decision<ILeaseEvent> Expire(LeaseState state, ExpiryCause cause, string message) =>
        state.IsDetectedOnly
            ? LeaseDecider.Detect(state, cause, message)
            : LeaseDecider.EndBadly(state, new LeaseExpired(cause, message), cause.ToString());

    static string WhyDrain(DrainCause cause, GradeTerms terms, int held) => cause is DrainCause.Stalled
        ? $"no progress for {2L * terms.ProgressTimeoutSeconds} s, progress timeout {terms.ProgressTimeoutSeconds} s"
        : $"held for {held} s, soft limit {terms.SoftSeconds} s, hard limit {terms.HardSeconds} s";

    static Decision<ILeaseEvent> Of(ILeaseEvent e) => Decision<ILeaseEvent>.Of(e);

    static Decision<ILeaseEvent> Nothing => Decision<ILeaseEvent>.Nothing;

    static Decision<ILeaseEvent> No(string reason, string message) => Decision<ILeaseEvent>.No(reason, message);
}
