namespace Framelease.Domain.Leasing;

/// <summary>
/// Which grade of a held lease comes next, and when: a pure function of what is on record. Grades count from the grant on PostgreSQL's
/// clock, whatever happened in between; one that fell due while nobody looked is delivered at the first look, and the next no sooner than
/// the drain grace later (R5).
/// </summary>
public static class LeaseGrades
{
    /// <returns>Null when no grade is left, or when force waits for the drain command to arrive: a holder that never hears of it falls
    /// silent, and silence is the heartbeat's business.</returns>
    public static GradeDue? Next(HoldTimes hold, GradeTerms? terms)
    {
        if (hold.Drain is { } drain)
            return Force(hold, drain, terms);
        if (terms is null)
            return null;
        GradeDue?[] candidates =
        [
            terms.WarningSeconds > 0 && hold.WarnedAt is null
                ? new GradeDue(LeaseGrade.Warning, hold.GrantedAt.AddSeconds(terms.WarningSeconds), null) : null,
            terms.SoftSeconds > 0 && (hold.WarnedAt is not null || terms.WarningSeconds == 0) ? Soft(hold, terms) : null,
            hold is { StalledAt: { } stalled, IsToldAlready: false } && terms.ProgressTimeoutSeconds > 0
                ? new GradeDue(LeaseGrade.Drain, stalled.AddSeconds(terms.ProgressTimeoutSeconds), DrainCause.Stalled) : null,
        ];
        return candidates.OfType<GradeDue>().MinBy(c => c.At);
    }

    /// <returns>From the drain request to force, as it can be told when the drain is requested at <paramref name="at"/>.</returns>
    public static int GraceSeconds(HoldTimes hold, GradeTerms terms, DrainCause cause, DateTimeOffset at) =>
        cause is not DrainCause.SoftTimeout
            ? terms.DrainGraceSeconds
            : Math.Max(terms.DrainGraceSeconds, (int)Math.Ceiling((hold.GrantedAt.AddSeconds(terms.HardSeconds) - at).TotalSeconds));

    static GradeDue Soft(HoldTimes hold, GradeTerms terms)
    {
        var due = hold.GrantedAt.AddSeconds(terms.SoftSeconds);
        var warned = hold.WarnedAt?.AddSeconds(terms.DrainGraceSeconds) ?? due;
        return new GradeDue(LeaseGrade.Drain, due > warned ? due : warned, DrainCause.SoftTimeout);
    }

    static GradeDue? Force(HoldTimes hold, DrainOnRecord drain, GradeTerms? terms)
    {
        if (hold.DrainDeliveredAt is not { } delivered || (hold.IsToldAlready && drain.Cause is not DrainCause.DeviceDrained))
            return null;
        var due = drain.At.AddSeconds(drain.GraceSeconds);
        var heard = delivered.AddSeconds(terms?.DrainGraceSeconds ?? drain.GraceSeconds);
        return new GradeDue(LeaseGrade.Force, due > heard ? due : heard, drain.Cause);
    }
}

/// <summary>What the grades of a held lease hang on, all by PostgreSQL's clock.</summary>
/// <param name="StalledAt">When the present stall was recorded; null while there is progress, or while nobody can tell.</param>
/// <param name="DrainDeliveredAt">When the holder's beat was first answered with the drain command.</param>
/// <param name="DetectOnly">The pool tells of what would end the lease, and leaves the rest to a person.</param>
/// <param name="Detected">It has told.</param>
public sealed record HoldTimes(
    DateTimeOffset GrantedAt, DateTimeOffset? WarnedAt, DateTimeOffset? StalledAt, DrainOnRecord? Drain, DateTimeOffset? DrainDeliveredAt,
    bool DetectOnly = false, bool Detected = false)
{
    /// <summary>Nothing more comes of a stall or of the hard limit.</summary>
    public bool IsToldAlready => DetectOnly && Detected;
}

public sealed record DrainOnRecord(DateTimeOffset At, DrainCause Cause, int GraceSeconds);

/// <param name="Cause">Of a drain, and of the force that follows it.</param>
public sealed record GradeDue(LeaseGrade Grade, DateTimeOffset At, DrainCause? Cause);

public enum LeaseGrade
{
    /// <summary>On record only.</summary>
    Warning,

    /// <summary>The holder is told to end.</summary>
    Drain,

    /// <summary>The holder is fenced off, its pod is ended, its slot is quarantined until proof.</summary>
    Force,
}

/// <summary>Why a holder is asked to end.</summary>
public enum DrainCause
{
    SoftTimeout,

    /// <summary>It beats, and nothing moves.</summary>
    Stalled,

    /// <summary>The device, or its node, is to be emptied.</summary>
    DeviceDrained,
}
