namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>
/// The recent changes of every resource, from which watchers read at their own pace. There is no buffer per watcher: one that
/// falls behind the bounds below is told 410 Expired and lists again.
/// </summary>
sealed class WatchHistory(int maxEvents = 10_000, long maxBytes = 16 << 20)
{
    readonly Lock _lock = new();
    readonly Dictionary<string, WatchRing> _rings = [];
    readonly Queue<WatchRing> _order = new();
    long _bytes;
    long _start;
    long _revision;

    /// <summary>Everything up to this revision has been appended.</summary>
    public long Revision
    {
        get
        {
            lock (_lock)
                return _revision;
        }
    }

    /// <summary>Changes up to this revision are not known here.</summary>
    public void StartAfter(long revision) => _start = _revision = revision;

    public void Append(StoreEvent change)
    {
        lock (_lock)
            AppendLocked(change);
    }

    /// <summary>Makes a batch visible at once and wakes the watchers of the resources in it.</summary>
    public void Publish(IReadOnlyList<StoreEvent> batch, Action publishState)
    {
        lock (_lock)
        {
            foreach (var change in batch)
                AppendLocked(change);
            publishState();
            foreach (var change in batch)
                _rings[change.Object.Resource].Wake();
        }
    }

    /// <summary>Copies the changes of a resource after a revision. False: some of them are no longer known.</summary>
    /// <param name="resource">The storage name of the resource.</param>
    /// <param name="after">The last revision that the watcher has seen; moved to the newest one read.</param>
    /// <param name="into">Receives at most <paramref name="max"/> changes.</param>
    /// <param name="max">How many to copy at most.</param>
    /// <param name="changed">Ends when something new is there after an empty read.</param>
    public bool TryRead(string resource, ref long after, List<StoreEvent> into, int max, out Task changed)
    {
        lock (_lock)
        {
            var ring = Ring(resource);
            changed = ring.Changed;
            if (after < ring.ForgottenUpTo)
                return false;
            if (ring.Read(after, into, max))
                after = into.Count == 0 ? Math.Max(after, _revision) : into[^1].Revision;
            else
                after = _revision;
            return true;
        }
    }

    WatchRing Ring(string resource)
    {
        if (!_rings.TryGetValue(resource, out var ring))
            _rings[resource] = ring = new WatchRing { ForgottenUpTo = _start };
        return ring;
    }

    void AppendLocked(StoreEvent change)
    {
        var ring = Ring(change.Object.Resource);
        ring.Add(change);
        _order.Enqueue(ring);
        _bytes += change.Object.Json.Length;
        _revision = change.Revision;
        while (_order.Count > maxEvents || _bytes > maxBytes)
            _bytes -= _order.Dequeue().Forget();
    }
}
