using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Attempts;

/// <summary>
/// Changes one lease alone: loads it, decides, commits, and decides anew when somebody was faster. For a lease that carries an attempt,
/// whoever wants both streams to change together asks <see cref="AttemptService"/>.
/// </summary>
sealed class LeaseService(ILedger ledger, AttemptSignals signals)
{
    const int MaxTries = 8;

    /// <param name="commands">Decided in order, each on what the one before left; nulls are skipped. Null = this state calls for
    /// nothing.</param>
    /// <param name="epoch">Null for what every replica may do.</param>
    /// <param name="silence">What was seen standing still; a beat that came since makes this change nothing.</param>
    public async Task<LeaseOutcome> ChangeAsync(
        string leaseUid, string actor, LeaderEpoch? epoch, Func<Loaded<LeaseState>, IReadOnlyList<LeaseCommand?>> commands,
            CancellationToken cancel, SilenceSeen? silence = null)
    {
        for (var tries = 1; ; tries++)
        {
            var lease = await ledger.LoadLeaseAsync(leaseUid, cancel);
            if (LeaseSteps.TryDecide(lease.State, commands(lease), out var events) is { } refusal)
                return new LeaseOutcome(lease.State, [], refusal);
            if (events.Count == 0)
                return new LeaseOutcome(lease.State, []);
            try
            {
                await ledger.CommitAsync(new LedgerCommit(actor, [], [new LeaseChange(leaseUid, lease, events)], epoch, silence), cancel);
                if (lease.State.Request is { } request)
                    signals.Changed(request);
                else
                    signals.Requested(events.OfType<LeaseRequested>().Single());
                return new LeaseOutcome(lease.State, events);
            }
            catch (SilenceBrokenException)
            {
                return new LeaseOutcome(lease.State, []);
            }
            catch (LedgerConflictException) when (tries < MaxTries)
            {
                // Somebody else wrote first: what they wrote decides now.
            }
        }
    }
}

/// <param name="Before">The lease that was decided on.</param>
/// <param name="Events">What was recorded; empty when nothing had to change, or on a refusal.</param>
sealed record LeaseOutcome(LeaseState Before, IReadOnlyList<ILeaseEvent> Events, AttemptRefusal? Refusal = null);
