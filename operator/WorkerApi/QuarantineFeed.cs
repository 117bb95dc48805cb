using Framelease.Domain.Leasing;
using Framelease.EventStore;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// Wakes those who wait for news of a node's quarantine, whichever replica made them. It follows the log from the first one on who waits,
/// so that agents cost nothing where there are none, and one reader of the log for all of them elsewhere.
/// </summary>
sealed class QuarantineFeed(IEventStore log, CancellationToken stopping)
{
    /// <summary>An agent has one; two while it is being replaced.</summary>
    const int MostOfOneNode = 8;

    static readonly EventFilter Moves = new("lease-", ["slot_quarantined", "slot_freed"]);

    readonly Lock _gate = new();
    readonly Dictionary<string, List<Ear>> _ears = new(StringComparer.Ordinal);
    Task? _following;

    /// <summary>Hears from here on; dispose it in the end. Null when too many listen for this node already.</summary>
    public Ear? Listen(string node)
    {
        lock (_gate)
        {
            if (!_ears.TryGetValue(node, out var ears))
                _ears[node] = ears = [];
            if (ears.Count >= MostOfOneNode)
                return null;
            var ear = new Ear(this, node);
            ears.Add(ear);
            if (_following is null or { IsCompleted: true })
                _following = FollowAsync();
            return ear;
        }
    }

    async Task FollowAsync()
    {
        try
        {
            var from = await log.LatestSequenceAsync(stopping);
            // What happened before is for each to look at.
            Wake(null);
            await foreach (var e in log.SubscribeAsync(from, Moves, stopping))
            {
                if (e.Data is SlotQuarantined { Slot.Node: var quarantined })
                    Wake(quarantined);
                else if (e.Data is SlotFreed { Slot.Node: var freed })
                    Wake(freed);
            }
        }
        catch (Exception e) when (e is EventStoreException or OperationCanceledException)
        {
            // The database is away, or this process ends: whoever waits looks again after its time, and the next one starts this anew.
        }
    }

    /// <param name="node">Null = all.</param>
    void Wake(string? node)
    {
        lock (_gate)
        {
            foreach (var ear in _ears.Where(e => node is null || e.Key == node).SelectMany(e => e.Value))
                ear.Ring();
        }
    }

    void Forget(Ear ear)
    {
        lock (_gate)
        {
            if (_ears.TryGetValue(ear.Node, out var ears) && ears.Remove(ear) && ears.Count == 0)
                _ears.Remove(ear.Node);
        }
    }

    /// <summary>One who waits.</summary>
    public sealed class Ear(QuarantineFeed feed, string node) : IDisposable
    {
        readonly WakeUp _wake = new();

        public string Node => node;

        public void Ring() => _wake.Set();

        /// <summary>Until there is news, or the time is over.</summary>
        public Task WaitAsync(TimeSpan most, TimeProvider time, CancellationToken cancel) => _wake.WaitAsync(most, time, cancel);

        public void Dispose() => feed.Forget(this);
    }
}
