using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;

namespace Framelease.Operator.Dispatch;

/// <summary>
/// Grants the slots of one pool. Woken by what happens (a request, a freed slot, a new device), with a slow round as a safety net; each round reads one
/// snapshot, decides purely (<see cref="DispatchRound"/>) and commits all its grants in one transaction under the leader's epoch.
/// </summary>
sealed class Dispatcher(string pool, ILedger ledger, AttemptSignals signals, WaitReasons reasons, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan SafetyRound = TimeSpan.FromSeconds(5);

    readonly SemaphoreSlim _wake = new(0, 1);

    /// <summary>Something in the pool changed.</summary>
    public void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // A wake-up is pending already: one is enough.
        }
    }

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (true)
        {
            await TryRoundAsync(epoch, cancel);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            await Task.WhenAny(Task.Delay(SafetyRound, time, limit.Token), _wake.WaitAsync(limit.Token));
            await limit.CancelAsync();
            cancel.ThrowIfCancellationRequested();
        }
    }

    async Task TryRoundAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        try
        {
            await RoundAsync(epoch, cancel);
        }
        catch (LedgerConflictException)
        {
            // A lease or a slot changed under the round: the next one sees it.
            Wake();
        }
        catch (LedgerUnavailableException e)
        {
            // The safety round tries again; nothing is granted while the database is away.
            Log.DatabaseUnavailable(logger, e.Message);
        }
    }

    async Task RoundAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var snapshot = await ledger.ReadPoolAsync(pool, cancel);
        foreach (var row in snapshot.Waiting.Where(GivesUp))
            await GiveUpAsync(row, epoch, cancel);
        var waiting = snapshot.Waiting.Where(w => !GivesUp(w)).ToList();
        var round = DispatchRound.Decide([.. waiting.Select(w => new DispatchRound.Waiting(w.LeaseUid))], snapshot.Slots);
        await GrantAsync(round.Grants, epoch, cancel);
        foreach (var reason in round.Waiting)
        {
            if (reasons.Set(reason.LeaseUid, new Obstacle(reason.Code, reason.Message)))
                signals.LeaseWaits(waiting.First(w => w.LeaseUid == reason.LeaseUid));
        }
    }

    async Task GrantAsync(IReadOnlyList<DispatchRound.Grant> grants, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (grants.Count == 0)
            return;
        var changes = new List<LeaseChange>();
        foreach (var grant in grants)
        {
            var loaded = await ledger.LoadLeaseAsync(grant.LeaseUid, cancel);
            if (LeaseDecider.Decide(loaded.State, new LeaseCommand.Grant(grant.Slot)) is Decision<ILeaseEvent>.Events { Items.Count: > 0 } granted)
                changes.Add(new LeaseChange(grant.LeaseUid, loaded, granted.Items));
        }

        await ledger.CommitAsync(new LedgerCommit("operator", [], changes, epoch), cancel);
        foreach (var change in changes)
        {
            var granted = (LeaseGranted)change.Events[0];
            Log.LeaseGranted(logger, change.LeaseUid, granted.Slot.ToString(), granted.Token);
            reasons.Clear(change.LeaseUid);
            signals.LeaseGranted(change.Before.State.Request!);
        }
    }

    async Task GiveUpAsync(WaitingRow row, LeaderEpoch epoch, CancellationToken cancel)
    {
        var loaded = await ledger.LoadLeaseAsync(row.LeaseUid, cancel);
        if (LeaseDecider.Decide(loaded.State, new LeaseCommand.GiveUp("MaxWaitExceeded")) is Decision<ILeaseEvent>.Events { Items.Count: > 0 } events)
            await ledger.CommitAsync(new LedgerCommit("operator", [], [new LeaseChange(row.LeaseUid, loaded, events.Items)], epoch), cancel);
        signals.LeaseWaits(row);
    }

    static bool GivesUp(WaitingRow row) => row.MaxWaitSeconds > 0 && row.WaitedSeconds > row.MaxWaitSeconds;
}
