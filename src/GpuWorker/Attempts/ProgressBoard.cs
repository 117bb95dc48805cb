using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>How far the work is. Zero = unknown or not begun.</summary>
/// <param name="Remaining">Estimate until the engine is done; null = unknown.</param>
sealed record Progress(
    WorkerPhase Phase, long Frames = 0, long TotalFrames = 0, long FpsMillis = 0, long SpeedMillis = 0, int PerMille = 0, long OutputBytes = 0,
    string? Message = null, TimeSpan? Remaining = null);

/// <summary>The latest progress, written by the work and read by the heart.</summary>
sealed class ProgressBoard
{
    readonly Lock _gate = new();
    Progress _current = new(WorkerPhase.Fetching);
    TaskCompletionSource? _waiter;
    int _phases;

    public Progress Current
    {
        get
        {
            lock (_gate)
                return _current;
        }
    }

    /// <summary>Changes of phase so far.</summary>
    public int Phases
    {
        get
        {
            lock (_gate)
                return _phases;
        }
    }

    /// <summary>Waits for a change of phase, at most for a while, or until stopped; for one waiter.</summary>
    /// <param name="seen"><see cref="Phases"/> that the waiter knows of; null: changes of phase are no reason to end.</param>
    public async Task WaitAsync(int? seen, TimeSpan most, TimeProvider time, CancellationToken stop)
    {
        // Awaited by itself, and so on the waiter's own scheduler: WhenAny would hear of it on the thread pool (R7).
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (seen is { } known && known != _phases)
                return;
            _waiter = seen is null ? null : over;
        }

        await using var timer = time.CreateTimer(static o => ((TaskCompletionSource)o!).TrySetResult(), over, most, Timeout.InfiniteTimeSpan);
        await using var stopping = stop.UnsafeRegister(static o => ((TaskCompletionSource)o!).TrySetResult(), over);
        await over.Task;
    }

    public void Show(Progress progress)
    {
        TaskCompletionSource? waiter = null;
        lock (_gate)
        {
            if (_current.Phase != progress.Phase)
                (_phases, waiter) = (_phases + 1, _waiter);
            _current = progress;
        }

        waiter?.TrySetResult();
    }
}
