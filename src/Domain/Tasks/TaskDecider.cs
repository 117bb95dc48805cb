namespace Framelease.Domain.Tasks;

/// <summary>decide(state, command) → events for one task. One committed result per scene; one output per task (R6).</summary>
public static class TaskDecider
{
    /// <summary>Attempts that never ran are free, but not without end: a pod that can never start must not be tried for ever.</summary>
    public const int MaxReturns = 20;

    public static Decision<ITaskEvent> Decide(TaskState state, TaskCommand command)
    {
        if (state.HasUnknownEvents)
            return No("UnknownEvents", "this stream holds events of a newer version; upgrade before deciding on it");
        return command switch
        {
            TaskCommand.Accept c => Accept(state, c),
            TaskCommand.Reject c => Reject(state, c),
            TaskCommand.Start c => Start(state, c),
            TaskCommand.Attach c => Attach(state, c),
            TaskCommand.Stall c => Attached(state, c.Scene, c.Attempt, c.PodUid) is { StalledAt: null }
                ? Of(new AttemptStalled(c.Scene, c.Attempt, c.PodUid, c.Seconds)) : Nothing,
            TaskCommand.Progress c => Attached(state, c.Scene, c.Attempt, c.PodUid) is { StalledAt: not null }
                ? Of(new AttemptProgressed(c.Scene, c.Attempt, c.PodUid)) : Nothing,
            TaskCommand.Complete c => Complete(state, c),
            TaskCommand.Fail c => Fail(state, c),
            TaskCommand.Return c => Return(state, c),
            TaskCommand.Readopt c => EndAgain(state, [.. c.Outputs, new TaskSucceeded()]),
            TaskCommand.EndAgain c => EndAgain(state, new TaskFailed(c.Reason, c.Message)),
            TaskCommand.Cancel c => state.IsEnded ? Nothing : Of(new TaskCancelled(c.By)),
            TaskCommand.Suspend c => state is { IsEnded: false, SuspendedAt: null, Accepted: not null } ? Of(new TaskSuspended(c.By)) : Nothing,
            TaskCommand.Resume c => state is { IsEnded: false, SuspendedAt: not null } ? Of(new TaskResumed(c.By)) : Nothing,
            TaskCommand.ExceedDeadline c => ExceedDeadline(state, c),
            _ => throw new InvalidOperationException($"command {command.GetType().Name} has no decision"),
        };
    }

    static Decision<ITaskEvent> Accept(TaskState state, TaskCommand.Accept c)
    {
        if (state.Accepted is { } accepted)
        {
            return accepted.SpecHash == c.Spec.SpecHash
                ? Nothing
                : No("SpecChanged", $"spec {accepted.SpecHash} was accepted and stays in force; delete the task and create a new one");
        }

        if (state.Phase is not TaskPhase.None)
            return No("TaskEnded", $"the task is {state.Phase}");
        if (c.Spec.Scenes < 1 || c.Spec.BackoffLimit < 0 || (c.Spec.SceneWorks is { } works && works.Count != c.Spec.Scenes))
            return No("InvalidSpec", $"scenes is {c.Spec.Scenes}, backoffLimit is {c.Spec.BackoffLimit}; allowed: 1 or more, 0 or more");
        var events = new List<ITaskEvent> { c.Spec, new TaskAdmitted() };
        events.AddRange(Enumerable.Range(0, c.Spec.Scenes).Select(scene => new SceneQueued(scene, 1, 0)));
        return new Decision<ITaskEvent>.Events(events);
    }

    static Decision<ITaskEvent> Reject(TaskState state, TaskCommand.Reject c) => state.Phase switch
    {
        TaskPhase.None => Of(new TaskRejected(c.Reason, c.Message, c.Namespace, c.Name)),
        TaskPhase.Rejected => Nothing,
        _ => No("AlreadyAccepted", "an accepted task ends, it is not rejected any more"),
    };

    static Decision<ITaskEvent> Start(TaskState state, TaskCommand.Start c)
    {
        var a = c.Attempt;
        if (state.IsEnded)
            return No("TaskEnded", $"the task is {state.Phase}");
        if (state.SuspendedAt is not null)
            return No("TaskSuspended", "nothing of a suspended task starts");
        if (!state.Scenes.TryGetValue(a.Scene, out var scene) || scene.Attempt != a.Attempt)
            return No("NotCurrent", $"attempt {a.Attempt} of scene {a.Scene} is not the current one");
        return scene.Step switch
        {
            SceneStep.Queued when state.Accepted!.NeedsLease && (a.LeaseUid is null || a.Token < 1) => No(
                "LeaseMissing", "this task's attempts run under a lease; the attempt names none"),
            SceneStep.Queued => Of(a),
            _ when scene.Started?.PodUid == a.PodUid => Nothing,
            _ => No("AlreadyStarted", $"attempt {a.Attempt} runs in pod {scene.Started?.PodUid}"),
        };
    }

    static Decision<ITaskEvent> Attach(TaskState state, TaskCommand.Attach c)
    {
        if (state.IsEnded || state.Current(c.Scene, c.Attempt, c.PodUid) is not { } scene)
            return Stale(state, c.Scene, c.Attempt, c.PodUid);
        return scene.Step is SceneStep.Attached ? Nothing : Of(new AttemptAttached(c.Scene, c.Attempt, c.PodUid, c.WorkerVersion));
    }

    static Decision<ITaskEvent> Complete(TaskState state, TaskCommand.Complete c)
    {
        // The stored result comes before the fence: a repeat of what was accepted is answered, whatever happened since (R2).
        if (state.Ended.TryGetValue((c.Scene, c.Attempt), out var end) && end.Committed && end.PodUid == c.PodUid)
        {
            return end.Result!.Sha256 == c.Result.Sha256
                ? Nothing
                : No("ConflictingResult", $"this attempt committed sha256 {end.Result.Sha256}; {c.Result.Sha256} was presented");
        }

        if (state.IsEnded || state.Current(c.Scene, c.Attempt, c.PodUid) is not { Step: SceneStep.Attached } scene
            || scene.Started!.Token != c.Token)
        {
            return Stale(state, c.Scene, c.Attempt, c.PodUid);
        }

        var events = new List<ITaskEvent> { new SceneCommitted(c.Scene, c.Attempt, c.PodUid, c.Token, c.Result) };
        if (state.Scenes.Count == 1)
        {
            events.Add(new OutputCommitted(c.Result.Uri, c.Result.Key, c.Result.Sha256, c.Result.Bytes));
            events.Add(new TaskSucceeded());
        }
        else if (state.Scenes.Values.All(s => s.Scene == c.Scene || s.Step is SceneStep.Committed))
        {
            events.Add(new TaskSucceeded());
        }

        return new Decision<ITaskEvent>.Events(events);
    }

    static Decision<ITaskEvent> Fail(TaskState state, TaskCommand.Fail c)
    {
        var f = c.Failure;
        if (state.Ended.TryGetValue((f.Scene, f.Attempt), out var end) && !end.Committed && end.PodUid == f.PodUid)
            return Nothing;
        if (!IsCurrent(state, f.Scene, f.Attempt, f.PodUid))
            return Stale(state, f.Scene, f.Attempt, f.PodUid);
        var failures = state.Scenes[f.Scene].Failures + 1;
        if (state.IsEnded)
            return Of(f);
        if (f.Category == AttemptFailed.Suspended)
            return Of(f, new SceneQueued(f.Scene, f.Attempt + 1, 0));
        if (!f.Retryable)
            return Of(f, new TaskFailed(f.Reason, f.Message));
        return failures > state.Accepted!.BackoffLimit
            ? Of(f, new TaskFailed(
                "BackoffLimitExceeded",
                $"{failures} attempts failed, backoffLimit is {state.Accepted.BackoffLimit}; the last: {f.Message}"))
            : Of(f, new SceneQueued(f.Scene, f.Attempt + 1, c.RetryDelaySeconds));
    }

    static Decision<ITaskEvent> Return(TaskState state, TaskCommand.Return c)
    {
        if (state.Ended.ContainsKey((c.Scene, c.Attempt)))
            return Nothing;
        if (!IsCurrent(state, c.Scene, c.Attempt, c.PodUid))
            return Stale(state, c.Scene, c.Attempt, c.PodUid);
        // Attempts that never ran are free, so nobody may call one that ran so.
        if (state.Scenes[c.Scene].Step is SceneStep.Attached && !c.TouchedNothing)
            return No("AlreadyAttached", $"attempt {c.Attempt} attached in pod {c.PodUid}; it can fail, not return");
        var returned = new AttemptReturned(c.Scene, c.Attempt, c.PodUid, c.Reason);
        if (state.IsEnded)
            return Of(returned);
        return state.Scenes[c.Scene].Returns + 1 > MaxReturns
            ? Of(returned, new TaskFailed(
                "NeverStarted", $"{MaxReturns + 1} attempts ended before any work; the last: {c.Reason}"))
            : Of(returned, new SceneQueued(c.Scene, c.Attempt + 1, c.RetryDelaySeconds));
    }

    // An attempt that is still on record as running ends by itself, as after a cancel: its lease and its pod tell of it.
    static Decision<ITaskEvent> EndAgain(TaskState state, params ITaskEvent[] end) => state switch
    {
        { IsEnded: true } => Nothing,
        { Accepted: null } => No("NotAccepted", "the task is not on record: accept it first"),
        _ => Of(end),
    };

    static Decision<ITaskEvent> ExceedDeadline(TaskState state, TaskCommand.ExceedDeadline c) => state switch
    {
        { IsEnded: true } => Nothing,
        { Deadline: { } deadline } when c.Now >= deadline => Of(new TaskFailed(
            "DeadlineExceeded",
            $"the task had not ended {state.Accepted!.ActiveDeadlineSeconds} s (activeDeadlineSeconds) after its acceptance at {state.AcceptedAt:u}")),
        { Deadline: { } deadline } => No("NotDue", $"the task's deadline is {deadline:u}, and it is {c.Now:u}"),
        _ => No("NoDeadline", "the task has no deadline"),
    };

    static SceneState? Attached(TaskState state, int scene, int attempt, string podUid) =>
        !state.IsEnded && state.Current(scene, attempt, podUid) is { Step: SceneStep.Attached } s ? s : null;

    // A null pod UID stands for an attempt that has no pod on record yet.
    static bool IsCurrent(TaskState state, int scene, int attempt, string? podUid) =>
        state.Scenes.TryGetValue(scene, out var s) && s.Attempt == attempt && s.Step is not (SceneStep.Failed or SceneStep.Committed)
        && s.Started?.PodUid == podUid;

    static Decision<ITaskEvent> Stale(TaskState state, int scene, int attempt, string? podUid) => No(
        "StaleHolder",
        state.IsEnded
            ? $"the task is {state.Phase}"
            : state.Scenes.TryGetValue(scene, out var s)
                ? $"scene {scene} is at attempt {s.Attempt} ({s.Step}, pod {s.Started?.PodUid ?? "none"}); "
                    + $"attempt {attempt} of pod {podUid} was presented"
                : $"there is no scene {scene}");

    static Decision<ITaskEvent> Of(params ITaskEvent[] events) => Decision<ITaskEvent>.Of(events);

    static Decision<ITaskEvent> Nothing => Decision<ITaskEvent>.Nothing;

    static Decision<ITaskEvent> No(string reason, string message) => Decision<ITaskEvent>.No(reason, message);
}
