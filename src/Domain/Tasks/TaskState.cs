using System.Collections.Immutable;

namespace Framelease.Domain.Tasks;

/// <summary>A task as its events tell it.</summary>
public sealed record TaskState
{
    public static TaskState Initial { get; } = new();

    public TaskPhase Phase { get; init; }

    public TaskAccepted? Accepted { get; init; }

    public DateTimeOffset? AcceptedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Since when nothing of it may run; null while it may.</summary>
    public DateTimeOffset? SuspendedAt { get; init; }

    public ImmutableSortedDictionary<int, SceneState> Scenes { get; init; } = ImmutableSortedDictionary<int, SceneState>.Empty;

    /// <summary>Attempts that ended, by scene and attempt, so that a repeated report gets the stored answer (R2).</summary>
    public ImmutableDictionary<(int Scene, int Attempt), AttemptEnd> Ended { get; init; } =
        ImmutableDictionary<(int, int), AttemptEnd>.Empty;

    public int AttemptsStarted { get; init; }

    public OutputCommitted? Output { get; init; }

    /// <summary>The output came about in a part of the history that was lost.</summary>
    public bool IsReadopted { get; init; }

    /// <summary>Why it ended unhappily: a CamelCase reason, and words.</summary>
    public string? EndReason { get; init; }

    public string? EndMessage { get; init; }

    public bool HasUnknownEvents { get; init; }

    /// <summary>When the task, if it has not ended, fails with DeadlineExceeded; null = never.</summary>
    public DateTimeOffset? Deadline => Accepted?.ActiveDeadlineSeconds is { } seconds ? AcceptedAt!.Value.AddSeconds(seconds) : null;

    public bool IsEnded => Phase is TaskPhase.Rejected or TaskPhase.Succeeded or TaskPhase.Failed or TaskPhase.Cancelled;

    /// <param name="at">When the event was recorded, by PostgreSQL's clock.</param>
    public TaskState Evolve(object? recorded, DateTimeOffset at) => recorded switch
    {
        TaskAccepted e => this with { Phase = TaskPhase.Accepted, Accepted = e, AcceptedAt = at },
        TaskRejected e => End(TaskPhase.Rejected, at, e.Reason, e.Message),
        TaskAdmitted => this with { Phase = TaskPhase.Admitted },
        TaskSuspended => this with { SuspendedAt = at },
        TaskResumed => this with { SuspendedAt = null },
        SceneQueued e => With(e.Scene, s => new SceneState(e.Scene, e.Attempt, SceneStep.Queued)
        {
            Failures = s?.Failures ?? 0, Returns = s?.Returns ?? 0, LastFailure = s?.LastFailure, NotBefore = at.AddSeconds(e.DelaySeconds),
        }),
        AttemptStarted e => With(e.Scene, s => s! with { Step = SceneStep.Started, Started = e, StalledAt = null }) with
        {
            AttemptsStarted = AttemptsStarted + 1,
            StartedAt = StartedAt ?? at,
        },
        AttemptAttached e => With(e.Scene, s => s! with { Step = SceneStep.Attached }),
        AttemptStalled e => With(e.Scene, s => s! with { StalledAt = at }),
        AttemptProgressed e => With(e.Scene, s => s! with { StalledAt = null }),
        AttemptFailed { Category: AttemptFailed.Suspended } e => With(e.Scene, s => s! with { Step = SceneStep.Failed })
            .Ending(e.Scene, e.Attempt, new AttemptEnd(e.PodUid, false, null)),
        AttemptFailed e => With(e.Scene, s => s! with { Step = SceneStep.Failed, Failures = s.Failures + 1, LastFailure = e })
            .Ending(
                e.Scene, e.Attempt, new AttemptEnd(e.PodUid, false, null) { ByHolder = e.Category is not ("HolderLost" or "Cancelled") }),
        AttemptReturned e => With(e.Scene, s => s! with { Step = SceneStep.Failed, Returns = s.Returns + 1 })
            .Ending(
                e.Scene, e.Attempt, new AttemptEnd(e.PodUid, false, null) { ByHolder = Scenes[e.Scene].Step is SceneStep.Attached }),
        SceneCommitted e => With(e.Scene, s => s! with { Step = SceneStep.Committed, Result = e.Result })
            .Ending(e.Scene, e.Attempt, new AttemptEnd(e.PodUid, true, e.Result) { ByHolder = true }),
        OutputCommitted e => this with { Output = e },
        OutputReadopted e => this with { Output = new OutputCommitted(e.Uri, e.Key, e.Sha256, e.Bytes), IsReadopted = true },
        SceneReadopted e => With(e.Scene, s => s! with { Result = SceneResult.Readopted(e) }) with { IsReadopted = true },
        TaskSucceeded => End(TaskPhase.Succeeded, at, null, null),
        TaskFailed e => End(TaskPhase.Failed, at, e.Reason, e.Message),
        TaskCancelled e => End(TaskPhase.Cancelled, at, "Cancelled", $"by {e.By}"),
        _ => this with { HasUnknownEvents = true },
    };

    /// <summary>The scene's current attempt, if the fence (attempt number and pod) is exactly its.</summary>
    public SceneState? Current(int scene, int attempt, string podUid) =>
        Scenes.TryGetValue(scene, out var s) && s.Attempt == attempt && s.Started?.PodUid == podUid && s.IsRunning ? s : null;

    TaskState With(int scene, Func<SceneState?, SceneState> change) =>
        this with { Scenes = Scenes.SetItem(scene, change(Scenes.GetValueOrDefault(scene))) };

    TaskState Ending(int scene, int attempt, AttemptEnd end) => this with { Ended = Ended.SetItem((scene, attempt), end) };

    TaskState End(TaskPhase phase, DateTimeOffset at, string? reason, string? message) =>
        this with { Phase = phase, EndedAt = at, EndReason = reason, EndMessage = message };
}

public enum TaskPhase
{
    None,
    Accepted,
    Admitted,
    Rejected,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>One scene and its latest attempt.</summary>
public sealed record SceneState(int Scene, int Attempt, SceneStep Step)
{
    /// <summary>Retryable and other failures so far, over all attempts.</summary>
    public int Failures { get; init; }

    /// <summary>Attempts that never ran.</summary>
    public int Returns { get; init; }

    public DateTimeOffset NotBefore { get; init; }

    public AttemptStarted? Started { get; init; }

    /// <summary>Since when the attempt is known to stall; null while it moves.</summary>
    public DateTimeOffset? StalledAt { get; init; }

    public AttemptFailed? LastFailure { get; init; }

    public SceneResult? Result { get; init; }

    public bool IsRunning => Step is SceneStep.Started or SceneStep.Attached;
}

public enum SceneStep
{
    Queued,
    Started,
    Attached,
    Failed,
    Committed,
}

/// <summary>How an attempt ended, for idempotent answers.</summary>
public sealed record AttemptEnd(string? PodUid, bool Committed, SceneResult? Result)
{
    /// <summary>The worker itself reported the end: it leaves by itself and needs no killing.</summary>
    public bool ByHolder { get; init; }
}
