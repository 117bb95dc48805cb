using Framelease.Domain.Leasing;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Liveness;

/// <summary>
/// Tells alive from progressing, and delivers the grades of held leases. What is due is decided by <see cref="LeaseGrades"/> from the look,
/// and decided again from the log before it is recorded: so each grade happens once, in order, whichever leader looks. A stall counts only
/// inside unbroken observation, and of holders that are heard: whoever is unheard may well have moved.
/// </summary>
sealed class GradeWatch(AttemptService attempts, LeaseService leases, ILogger logger)
{
    readonly LivenessWitness _moves = new();

    /// <summary>A look found no answer: what did not move meanwhile may merely not have been heard.</summary>
    public void Fail() => _moves.Fail();

    /// <param name="unheard">Leases whose holders missed a beat.</param>
    public async Task LookAsync(
        LivenessWitness.LookTimes times, LivenessLook look, IReadOnlySet<string> unheard, LeaderEpoch epoch, CancellationToken cancel)
    {
        var still = _moves.Observe(times, [.. look.Held.Where(h => h.Terms is { ProgressTimeoutSeconds: > 0 }).Select(h =>
            new LivenessWitness.Sighting(h.LeaseUid, h.Moves, h.SecondsSinceMove,
                h.Terms!.ProgressTimeoutSeconds))]).Silent.ToHashSet(StringComparer.Ordinal);
        still.ExceptWith(unheard);
        foreach (var row in look.Held)
        {
            if (row.Times.StalledAt is null && row.Times.Drain is null && still.Contains(row.LeaseUid))
                await StallAsync(row, (int)row.SecondsSinceMove, epoch, cancel);
            else if (row.Times.StalledAt is { } since && look.DatabaseNow.AddSeconds(-row.SecondsSinceMove) > since)
                await StallAsync(row, null, epoch, cancel);
            else if (IsDue(row, still.Contains(row.LeaseUid), look.DatabaseNow))
                await GradeAsync(row, still.Contains(row.LeaseUid), epoch, cancel);
        }
    }

    static bool IsDue(HeldRow row, bool stillStalled, DateTimeOffset now) =>
        LeaseGrades.Next(row.Times with { StalledAt = stillStalled ? row.Times.StalledAt : null }, row.Terms) is { } due && due.At <= now;

    async Task StallAsync(HeldRow row, int? seconds, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (row.Attempt is { } a)
            await attempts.StallAsync(AttemptFence.Of(a), seconds, epoch, cancel);
        else
            await leases.ChangeAsync(
                row.LeaseUid, "operator", epoch, _ => [seconds is { } s ? new LeaseCommand.Stall(s) : new LeaseCommand.Progress()], cancel);
        if (seconds is { } stalled)
            Log.LeaseStalled(logger, row.LeaseUid, stalled);
        else
            Log.LeaseProgressed(logger, row.LeaseUid);
    }

    async Task GradeAsync(HeldRow row, bool stillStalled, LeaderEpoch epoch, CancellationToken cancel)
    {
        LeaseCommand.Grade Grade(DateTimeOffset now) => new(now, row.Times.DrainDeliveredAt, stillStalled);
        var events = row.Attempt is { } a
            ? (await attempts.GradeAsync(AttemptFence.Of(a), Grade, epoch, cancel)).Lease
            : (await leases.ChangeAsync(row.LeaseUid, "operator", epoch, lease => [Grade(lease.DatabaseNow)], cancel)).Events;
        var holder = row.Attempt is { } held ? $"{held.Namespace}/{held.TaskName}" : "its holder";
        foreach (var e in events)
        {
            switch (e)
            {
                case LeaseWarned w:
                    Log.LeaseWarned(logger, row.LeaseUid, holder, w.HeldSeconds);
                    break;
                case LeaseDrainRequested d:
                    Log.LeaseDrains(logger, row.LeaseUid, holder, d.GraceSeconds, d.Message);
                    break;
                case LeaseDeadlockDetected x:
                    Log.DeadlockDetected(logger, row.LeaseUid, holder, x.Message);
                    break;
                case LeaseExpired x:
                    Log.LeaseForced(logger, row.LeaseUid, holder, x.Message);
                    break;
                case LeaseRevoked r:
                    Log.LeaseForced(logger, row.LeaseUid, holder, r.Message);
                    break;
            }
        }
    }
}
