using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Authority;

/// <summary>The database port of R12 (R7): what a take-over asks and writes, before anything else is asked of the database.</summary>
interface IAuthorityStore
{
    /// <summary>What is on record, and what the server says of itself.</summary>
    Task<AuthorityState> ReadAsync(CancellationToken cancel);

    /// <returns>Whose the log is: the name given, or that of who came first.</returns>
    Task<string> ClaimAsync(string owner, CancellationToken cancel);

    Task ReplaceOwnerAsync(string owner, CancellationToken cancel);

    /// <summary>The last number in the log; those that were only drawn may be drawn again after a crash.</summary>
    Task<long> LastEventAsync(CancellationToken cancel);

    /// <summary>Of each slot the token, or the floor above it.</summary>
    Task<IReadOnlyDictionary<(string Node, string Device, int Slot), long>> TokensAsync(CancellationToken cancel);

    /// <summary>Of the slots and of the log: they can only differ if somebody mended one of them by hand.</summary>
    Task<long> HighestTokenAsync(CancellationToken cancel);

    /// <summary>Of these leases, those that wait for a grant.</summary>
    Task<IReadOnlyDictionary<string, Loaded<LeaseState>>> LoadWaitingAsync(IReadOnlyCollection<string> leaseUids, CancellationToken cancel);

    /// <summary>
    /// In one transaction: a new incarnation with all leaders before it fenced, every slot in quarantine under the floor, who may use slots on
    /// record, one event.
    /// </summary>
    /// <returns>How many slots there are; null when another replica was faster, or a lease moved: look again.</returns>
    Task<long?> TryTakeAsync(AuthorityTaking taking, CancellationToken cancel);
}

/// <param name="Seen">As read; another take-over since then refuses this one.</param>
/// <param name="Floor">Above every token and epoch that was ever handed out, as far as anyone can tell.</param>
sealed record AuthorityTaking(AuthorityWitness Witness, AuthorityState Seen, long Floor, string Reason)
{
    /// <summary>
    /// Leases that wait in the log and were granted in the part of it that was lost: they end here, for after it a dispatcher might be sooner than
    /// whoever reads their status.
    /// </summary>
    public IReadOnlyList<LeaseChange> Lost { get; init; } = [];

    public long Incarnation => (Seen.Recorded?.Incarnation ?? 0) + 1;
}
