using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Liveness;

/// <summary>
/// Expires leases whose holders fell silent, and grants to which nobody attached. PostgreSQL's clock and this leader's own monotonic clock must both say so (R3),
/// inside unbroken observation (R5): a look that fails or comes late starts every deadline anew.
/// </summary>
sealed class LivenessWatch(ILedger ledger, AttemptService attempts, AttemptSignals signals, TimeProvider time, ILogger<LivenessWatch> logger)
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    readonly LivenessWitness _attached = new();
    readonly LivenessWitness _unattached = new();

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await LookAsync(time.GetElapsedTime(start).TotalSeconds, epoch, cancel);
            }
            catch (LedgerUnavailableException e)
            {
                // No look, no silence: the witness sees the gap at the next one.
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (LedgerConflictException)
            {
                // Somebody reported in between: the next look knows.
            }

            await Task.Delay(Period, time, cancel);
        }
    }

    async Task LookAsync(double now, LeaderEpoch epoch, CancellationToken cancel)
    {
        var look = await ledger.ReadLivenessAsync(cancel);
        var databaseNow = look.DatabaseNow.ToUnixTimeMilliseconds() / 1000.0;
        var attached = _attached.Observe(now, databaseNow, [.. look.Attached.Select(a =>
            new LivenessWitness.Sighting(Key(a), a.Sequence, a.SilentSeconds, a.TimeoutSeconds))]);
        var unattached = _unattached.Observe(now, databaseNow, [.. look.Unattached.Select(u =>
            new LivenessWitness.Sighting(u.LeaseUid, 0, u.WaitedSeconds, u.StartDeadlineSeconds))]);
        if (attached.Blind)
        {
            Log.ObservationResumed(logger, attached.GapSeconds, attached.DriftSeconds);
            await ledger.RecordBlindnessAsync(new ObservationGap(attached.GapSeconds, attached.DriftSeconds), epoch, cancel);
        }

        foreach (var row in look.Attached.Where(a => attached.Silent.Contains(Key(a))))
        {
            Log.HeartbeatLost(logger, row.TaskUid, row.Scene, row.Attempt, row.SilentSeconds);
            var fence = new AttemptFence(row.TaskUid, row.Scene, row.Attempt, row.PodUid, row.LeaseUid, 0);
            await attempts.ExpireAsync(
                fence, ExpiryCause.HeartbeatLost, $"no beat for {row.SilentSeconds:0} s, timeout {row.TimeoutSeconds} s",
                new SilenceSeen(row.TaskUid, row.Scene, row.Attempt, row.Sequence), epoch, cancel);
        }

        foreach (var row in look.Unattached.Where(u => unattached.Silent.Contains(u.LeaseUid)))
            await ExpireUnattachedAsync(row, epoch, cancel);
    }

    async Task ExpireUnattachedAsync(UnattachedRow row, LeaderEpoch epoch, CancellationToken cancel)
    {
        var message = $"nobody attached within {row.StartDeadlineSeconds} s of the grant";
        if (row.Attempt is { } a)
        {
            var fence = new AttemptFence(a.TaskUid, a.Scene, a.Attempt, a.PodUid, a.LeaseUid, a.Token);
            await attempts.ExpireAsync(fence, ExpiryCause.StartDeadline, message, null, epoch, cancel);
            return;
        }

        var lease = await ledger.LoadLeaseAsync(row.LeaseUid, cancel);
        var events = LeaseSteps.Decide(
            lease.State,
            new LeaseCommand.Expire(ExpiryCause.StartDeadline, message),
            new LeaseCommand.Free(FreeProof.NeverAttached, "nobody attached under this token, and attach is refused from here on"));
        if (events.Count == 0)
            return;
        await ledger.CommitAsync(new LedgerCommit("operator", [], [new LeaseChange(row.LeaseUid, lease, events)], epoch), cancel);
        signals.Requested(lease.State.Request!);
    }

    static string Key(AttachedRow a) => $"{a.TaskUid}/{a.Scene}/{a.Attempt}";
}
