namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>The recent changes of one resource, oldest first. Guarded by the lock of <see cref="WatchHistory"/>.</summary>
sealed class WatchRing
{
    StoreEvent[] _events = new StoreEvent[16];
    int _head;
    int _count;
    TaskCompletionSource? _changed;

    /// <summary>Changes up to this revision have been dropped.</summary>
    public long ForgottenUpTo { get; set; }

    /// <summary>Ends at the next change.</summary>
    public Task Changed => (_changed ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Add(StoreEvent change)
    {
        if (_count == _events.Length)
        {
            var larger = new StoreEvent[_count * 2];
            for (var i = 0; i < _count; i++)
                larger[i] = this[i];
            (_events, _head) = (larger, 0);
        }

        _events[(_head + _count++) % _events.Length] = change;
    }

    /// <summary>Drops the oldest change and returns its size in bytes.</summary>
    public int Forget()
    {
        var oldest = _events[_head];
        _events[_head] = null!;
        _head = (_head + 1) % _events.Length;
        _count--;
        ForgottenUpTo = oldest.Revision;
        return oldest.Object.Json.Length;
    }

    /// <summary>Copies changes after a revision; true when some are left beyond <paramref name="max"/>.</summary>
    public bool Read(long after, List<StoreEvent> into, int max)
    {
        int low = 0, high = _count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (this[middle].Revision <= after)
                low = middle + 1;
            else
                high = middle;
        }

        for (var i = low; i < _count && into.Count < max; i++)
            into.Add(this[i]);
        return low + into.Count < _count;
    }

    public void Wake()
    {
        _changed?.TrySetResult();
        _changed = null;
    }

    StoreEvent this[int index] => _events[(_head + index) % _events.Length];
}
