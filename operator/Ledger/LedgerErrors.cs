using Framelease.EventStore;

namespace Framelease.Operator.Ledger;

/// <summary>The event store's errors in the ledger's three words: conflict, lost leadership, unavailable. Anything else is a bug and stays what it is.</summary>
static class LedgerErrors
{
    const string SilenceBroken = nameof(SilenceBroken);

    public static async Task<T> Map<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (EventStoreException e)
        {
            throw Translate(e);
        }
    }

    static Exception Translate(EventStoreException e) => e switch
    {
        GuardFailedException { Code: SilenceBroken } => new SilenceBrokenException(e.Message, e),
        EventStreamUnexpectedMaxEventIdException or ExistingStreamIdCollisionException or GuardFailedException => new LedgerConflictException(e.Message, e),
        EpochFencedException => new LeadershipLostException(e.Message, e),
        // whoever starts anew looks at what the server is, and takes it over (R12)
        AuthorityChangedException => new LeadershipLostException(e.Message, e),
        // Unknown is safe to treat as unavailable: whoever tries again loads first, and finds what was committed.
        CommitOutcomeUnknownException => new LedgerUnavailableException(e.Message, e),
        { IsTransient: true } => new LedgerUnavailableException(e.Message, e),
        _ => e,
    };
}
