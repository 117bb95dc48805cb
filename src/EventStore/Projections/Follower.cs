namespace Framelease.EventStore;

/// <summary>
/// Follows the log for one projection or subscription: wait for the mark, read a batch, apply it and move the stored position on. Any
/// number of replicas may do so for the same one; the compare-and-set of the position decides, and who loses stands back while the other
/// makes way.
/// </summary>
internal abstract class Follower(
    PostgresEventStore store, HighWaterMark mark, ProjectionDaemonOptions options, string name, string identity)
{
    int _batchSize = options.BatchSize;
    long _stored;
    long _storedAt;
    bool _isApplying;

    public string Name => name;

    public string Identity => identity;

    /// <summary>What it has looked at; the stored position follows when there was nothing to write.</summary>
    public long Position { get; private set; }

    public ProjectionState State { get; protected set; } = ProjectionState.Starting;

    /// <summary>Why it stands still; null while it does not.</summary>
    public string? Problem { get; protected set; }

    public PostgresEventStore Store => store;

    public abstract EventFilter Filter { get; }

    /// <summary>Finds or makes the stored position; null while there is none to go on from.</summary>
    protected abstract Task<long?> StartAsync(CancellationToken ct);

    /// <summary>Applies a batch and moves the stored position from floor to ceiling.</summary>
    protected abstract Task ApplyAsync(IReadOnlyList<EventEnvelope> events, long floor, long ceiling, CancellationToken ct);

    public async Task RunAsync(CancellationToken ct)
    {
        await Task.Yield();
        while (!ct.IsCancellationRequested)
        {
            var pause = store.Options.PollInterval;
            _isApplying = false;
            try
            {
                if (await StartAsync(ct) is { } position)
                {
                    Take(position);
                    (State, Problem) = (ProjectionState.Running, null);
                    await FollowAsync(ct);
                    continue;
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                break;
            }
            catch (ProgressionProgressOutOfOrderException e)
            {
                await StandBackAsync(e.Actual, ct);
                continue;
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                (State, Problem) = (ProjectionState.Waiting, e.Message);
                Log.ProjectionWaits(store.Logger, name, Position, e);
            }
            // a follower's boundary: whatever one of them meets, it is told, tried again, and no other's business
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                if (_isApplying && _batchSize > 1)
                {
                    // smaller and smaller, until what comes before the event that fails is done and the event has a name
                    _batchSize /= 2;
                    continue;
                }

                (State, Problem) = (ProjectionState.Failed, e.Message);
                store.Metrics.ProjectionFailed(name);
                Log.ProjectionFailed(store.Logger, name, Position, options.RetryFailedAfter, e);
                pause = options.RetryFailedAfter;
            }

            if (!await DelayAsync(pause, ct)) break;
        }

        State = ProjectionState.Stopped;
    }

    void Take(long position) => (Position, _stored, _storedAt) = (position, position, store.Time.GetTimestamp());

    async Task FollowAsync(CancellationToken ct)
    {
        while (true)
        {
            await mark.WaitAsync(Position, store.Options.PollInterval, ct);
            var ceiling = mark.Safe;
            if (ceiling > Position)
            {
                var page = await LogReader.ReadAsync(store, Position, ceiling, Filter, _batchSize, ct);
                if (page.Events.Count > 0)
                {
                    await ApplyPageAsync(page, ct);
                    _batchSize = Math.Min(_batchSize * 2, options.BatchSize);
                    continue;
                }

                Position = page.Position;
            }

            // Nothing for us, or nothing at all: telling so need not cost a write each time.
            if (Position > _stored && store.Time.GetElapsedTime(_storedAt) >= store.Options.PollInterval)
            {
                await ApplyAsync([], _stored, Position, ct);
                Take(Position);
            }
        }
    }

    async Task ApplyPageAsync(LogPage page, CancellationToken ct)
    {
        var started = store.Time.GetTimestamp();
        _isApplying = true;
        try
        {
            await ApplyAsync(page.Events, _stored, page.Position, ct);
        }
        catch (ProgressionProgressOutOfOrderException e) when (e.Actual == page.Position)
        {
            // It is where we wanted it: our own commit, whose answer was lost.
        }

        _isApplying = false;
        Take(page.Position);
        store.Metrics.Projected(name, page.Events.Count, store.Time.GetElapsedTime(started));
    }

    /// <summary>Another replica is at work: look from time to time, and take over when nothing has moved although there is work.</summary>
    async Task StandBackAsync(long position, CancellationToken ct)
    {
        (State, Problem) = (ProjectionState.StandingBack, null);
        Position = Math.Max(position, 0);
        while (await DelayAsync(options.StandBackFor, ct))
        {
            try
            {
                var rows = await Progress.ReadAsync(store, name, ct);
                if (!rows.TryGetValue(identity, out var now) || (now == position && now < mark.Safe)) return;
                Position = position = now;
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                Log.ProjectionWaits(store.Logger, name, position, e);
            }
        }
    }

    /// <returns>False when it is over.</returns>
    protected async Task<bool> DelayAsync(TimeSpan pause, CancellationToken ct)
    {
        try
        {
            await Task.Delay(pause, store.Time, ct);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
