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
    TaskCompletionSource _phase = NewSignal();

    public Progress Current
    {
        get
        {
            lock (_gate)
                return _current;
        }
    }

    /// <summary>Ends at the next change of phase.</summary>
    public Task PhaseChanged
    {
        get
        {
            lock (_gate)
                return _phase.Task;
        }
    }

    public void Show(Progress progress)
    {
        TaskCompletionSource? changed = null;
        lock (_gate)
        {
            if (_current.Phase != progress.Phase)
                (changed, _phase) = (_phase, NewSignal());
            _current = progress;
        }

        changed?.SetResult();
    }

    static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
