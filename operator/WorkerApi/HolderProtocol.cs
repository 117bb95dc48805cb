using Framelease.Operator.Api;
using Framelease.Operator.Ledger;
using Framelease.Operator.Metrics;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.WorkerApi;

/// <summary>What both kinds of holders have in common: which protocol is understood, what they tell of a device, and what a beat is answered.</summary>
static class HolderProtocol
{
    const long MostMemoryMiB = 1 << 24;

    /// <summary>What a holder tells of its device, within bounds; null when it tells nothing.</summary>
    public static DeviceFigures? Figures(DeviceTelemetry? told) => told is null ? null : new DeviceFigures(
        told.UtilisationPercent is >= 0 and <= 100 ? told.UtilisationPercent : null,
        told.MemoryUsedMiB is >= 0 and <= MostMemoryMiB ? told.MemoryUsedMiB : null,
        told.MemoryTotalMiB is >= 0 and <= MostMemoryMiB ? told.MemoryTotalMiB : null,
        told.TemperatureCelsius is >= -50 and <= 200 ? told.TemperatureCelsius : null);

    /// <exception cref="HttpProblem">426: the worker's protocol is too old or too new; the message says which to upgrade.</exception>
    public static void RequireProtocol(string? told)
    {
        if (ProtocolVersion.Complaint(told, ProtocolVersion.Current) is { } complaint)
            throw new HttpProblem(426, "ProtocolNotSupported", complaint);
    }

    public static void RequireSequence(long sequence)
    {
        if (sequence < 1)
            throw new HttpProblem(400, "Invalid", $"sequence: {sequence} is not above 0");
    }

    /// <summary>Counts a beat, and answers one that its holder was entitled to.</summary>
    /// <returns>Null for a stale holder's.</returns>
    public static BeatReply? Answer(BeatOutcome outcome)
    {
        PlatformMetrics.Heartbeat(outcome.GetType().Name.ToLowerInvariant());
        return outcome switch
        {
            BeatOutcome.Taken t => Answer(t.TimeoutSeconds, t.Drain),
            BeatOutcome.Repeated r => Answer(r.TimeoutSeconds, r.Drain),
            _ => null,
        };
    }

    /// <summary>Why a stale holder is refused, with the token that it presented.</summary>
    public static string WhyRefused(BeatOutcome.Stale stale, long token) =>
        stale.CurrentToken is { } current ? $"{stale.Why}; the slot's token is {current}, {token} was presented" : stale.Why;

    /// <summary>At most the last <paramref name="length"/> characters of what a holder says: a log's end tells more than its beginning.</summary>
    public static string? Bounded(string? text, int length) => text is null || text.Length <= length ? text : text[^length..];

    static BeatReply Answer(int timeoutSeconds, DrainOrder? drain) => drain is null
        ? new BeatReply(WorkerCommand.Continue, timeoutSeconds, 0, null)
        : new BeatReply(WorkerCommand.Drain, timeoutSeconds, drain.GraceSeconds, drain.Why);
}
