namespace Framelease.LocalCluster.Node;

/// <summary>A level, not a count: however often it is set while nobody waits, the next wait ends once.</summary>
sealed class Wake(TimeProvider time)
{
    readonly Lock _gate = new();
    TaskCompletionSource _set = New();

    internal void Set()
    {
        lock (_gate)
            _set.TrySetResult();
    }

    /// <summary>Returns when it is set, or after <paramref name="longest"/>; null = no bound.</summary>
    internal async Task WaitAsync(TimeSpan? longest, CancellationToken ct)
    {
        Task set;
        lock (_gate)
            set = _set.Task;
        if (!set.IsCompleted)
            try
            {
                var bound = longest is { } span ? TimeSpan.FromTicks(Math.Clamp(span.Ticks, 0, TimeSpan.TicksPerDay)) : Timeout.InfiniteTimeSpan;
                await set.WaitAsync(bound, time, ct);
            }
            catch (TimeoutException)
            {
                return;
            }
        lock (_gate)
            if (_set.Task.IsCompleted)
                _set = New();
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
