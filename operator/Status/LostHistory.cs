using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Status;

/// <summary>
/// What an object's status tells that the log lacks (R12). A status is written after the events that it tells of, and the log is read after
/// the object: a status ahead of the log can only come from a part of the history that was lost. Pure.
/// </summary>
/// <param name="Reason">Fixed set: GrantLost, EndLost, OutputReadopted, OutputGone, AttemptsLost.</param>
sealed record LostHistory(string Reason, string Message)
{
    public const string Condition = "HistoryLost";

    const string HowItCame = "the database was restored, or failed over, to an earlier moment";

    /// <returns>Null when the log knows at least as much.</returns>
    public static LostHistory? Of(GpuLeaseStatus? seen, LeaseState log) => log.Phase switch
    {
        not (LeasePhase.None or LeasePhase.Pending) => null,
        _ when seen is { Token: { } token } => new LostHistory(
            "GrantLost",
            $"the log lacks the grant of slot {seen.Node}/{seen.Device}#{seen.Slot} under token {token} and what followed: {HowItCame}; "
            + "the lease has ended, its slot comes back on proof. Delete it, and apply a new one if it is still wanted"),
        _ when Is(seen?.Conditions, "Finished") => new LostHistory(
            "EndLost",
            $"the log lacks how the lease ended ({seen!.Reason}): {HowItCame}; it stays ended. Apply a new one if it is still wanted"),
        _ => null,
    };

    /// <summary>A task that the status shows as ended, and the log does not.</summary>
    public static bool EndOf(VideoTaskStatus? seen, TaskState log) => !log.IsEnded && Is(seen?.Conditions, "Finished");

    /// <returns>What a task's condition says; null while nothing is known to be lost.</returns>
    public static LostHistory? Of(VideoTaskStatus? seen, TaskState log)
    {
        if (log.IsReadopted)
        {
            return new LostHistory(
                "OutputReadopted",
                $"the log lacks how the output came about: {HowItCame}; the store holds the very bytes"
                + $"{(log.Output is { } output ? $" (sha256 {output.Sha256})" : " of each scene")}, nothing has to be done");
        }

        if (log is { Phase: TaskPhase.Failed, EndReason: Condition })
            return new LostHistory("OutputGone", log.EndMessage!);
        if (EndOf(seen, log))
            return new LostHistory("EndLost", $"the log lacks how the task ended ({seen!.Phase}): {HowItCame}; it is not run again");
        return seen?.Attempts > log.AttemptsStarted
            ? new LostHistory(
                "AttemptsLost",
                $"the log lacks {seen.Attempts - log.AttemptsStarted} of {seen.Attempts} attempts: {HowItCame}; the task goes on from what is "
                + "on record, nothing has to be done")
            : null;
    }

    /// <summary>How a task ends whose output the store does not hold.</summary>
    public static string OutputGone(OutputStatus output) =>
        $"the log lacks how the task succeeded: {HowItCame}; and the store does not hold what its status told of ({output.Key}, "
        + $"{output.Bytes} bytes, sha256 {output.Sha256}). Create the task anew to make it again";

    public static bool Is(IReadOnlyList<Condition>? conditions, string type) =>
        conditions?.Any(c => c.Type == type && c.Status == "True") is true;

    /// <summary>Writes the condition, or keeps what it said before: what was lost stays lost.</summary>
    public static void Write(ConditionSet conditions, LostHistory? lost)
    {
        if (lost is null)
            conditions.Keep(Condition);
        else
            conditions.True(Condition, lost.Reason, lost.Message);
    }
}
