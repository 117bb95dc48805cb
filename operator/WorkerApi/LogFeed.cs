using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;

namespace Framelease.Operator.WorkerApi;

/// <summary>
/// Wakes those who wait for news of one thing, a node or a lease, whichever replica made them. It follows the log from the first one on who
/// waits, so that it costs nothing where nobody does, and one reader of the log for all of them elsewhere.
/// </summary>
/// <param name="about">What an event is news of; null = of nothing that is waited for.</param>
/// <param name="mostOfOneKey">Who may wait for the same thing at once.</param>
sealed class LogFeed(IEventStore log, EventFilter filter, Func<EventEnvelope, string?> about, int mostOfOneKey, CancellationToken stopping)
{
    /// <summary>Who may wait at once. Each keeps a connection open, and those that are left must do for everybody's beats.</summary>
    const int Most = WebServer.MostConnections / 4;

    const string LeaseStream = "lease-";

    int _count;
    readonly Lock _gate = new();
    readonly Dictionary<string, List<Ear>> _ears = new(StringComparer.Ordinal);
    Task? _following;

    /// <summary>Of a node's quarantine. A node has one agent; two while it is being replaced.</summary>
    public static LogFeed OfQuarantine(IEventStore log, CancellationToken stopping) => new(
        log, new EventFilter(LeaseStream, ["slot_quarantined", "slot_freed"]),
        e => e.Data switch
        {
            SlotQuarantined { Slot.Node: var node } => node,
            SlotFreed { Slot.Node: var node } => node,
            _ => null,
        },
        mostOfOneKey: 8, stopping);

    /// <summary>Of the end of a lease's waiting, by its uid. What this replica grants is heard before the log is read.</summary>
    public static LogFeed OfGrants(IEventStore log, AttemptSignals signals, CancellationToken stopping)
    {
        var feed = new LogFeed(
            log, new EventFilter(LeaseStream, ["lease_granted", "lease_gave_up", "lease_revoked"]), e => e.Stream[LeaseStream.Length..],
            mostOfOneKey: 4, stopping);
        signals.LeaseMoved += (request, grant) => feed.Wake(request.LeaseUid, grant is null ? null : new GrantNews(request.Namespace, grant));
        return feed;
    }

    /// <summary>Hears from here on; dispose it in the end. Null when too many listen for this already.</summary>
    public Ear? Listen(string key)
    {
        lock (_gate)
        {
            if (!_ears.TryGetValue(key, out var ears))
                _ears[key] = ears = [];
            if (ears.Count >= mostOfOneKey || _count >= Most)
            {
                if (ears.Count == 0)
                    _ears.Remove(key);
                return null;
            }

            var ear = new Ear(this, key);
            ears.Add(ear);
            _count++;
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
            WakeAll();
            await foreach (var e in log.SubscribeAsync(from, filter, stopping))
            {
                if (about(e) is { } key)
                    Wake(key);
            }
        }
        catch (Exception e) when (e is EventStoreException or OperationCanceledException)
        {
            // The database is away, or this process ends: whoever waits looks again after its time, and the next one starts this anew.
        }
    }

    void Wake(string key, GrantNews? granted = null)
    {
        lock (_gate)
        {
            if (_ears.TryGetValue(key, out var ears))
                ears.ForEach(e => e.Ring(granted));
        }
    }

    void WakeAll()
    {
        lock (_gate)
        {
            foreach (var ear in _ears.Values.SelectMany(e => e))
                ear.Ring();
        }
    }

    void Forget(Ear ear)
    {
        lock (_gate)
        {
            if (!_ears.TryGetValue(ear.Key, out var ears) || !ears.Remove(ear))
                return;
            _count--;
            if (ears.Count == 0)
                _ears.Remove(ear.Key);
        }
    }

    /// <summary>One who waits.</summary>
    public sealed class Ear(LogFeed feed, string key) : IDisposable
    {
        readonly WakeUp _wake = new();

        public string Key => key;

        /// <summary>The grant that rang, if this replica made it: nobody has to read what was just written.</summary>
        public GrantNews? Granted { get; private set; }

        public void Ring(GrantNews? granted = null)
        {
            Granted = granted ?? Granted;
            _wake.Set();
        }

        /// <summary>Until there is news, or the time is over.</summary>
        public Task WaitAsync(TimeSpan most, TimeProvider time, CancellationToken cancel) => _wake.WaitAsync(most, time, cancel);

        public void Dispose() => feed.Forget(this);
    }
}

/// <summary>A grant that is committed.</summary>
/// <param name="Namespace">Of the lease.</param>
sealed record GrantNews(string Namespace, LeaseGranted Grant);
