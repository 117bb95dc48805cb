using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Status;

/// <summary>
/// Status of a VideoTask as a pure function of its events, and of what it waits for. Transition times are the events' times, so that a rebuilt status equals
/// the running one.
/// </summary>
static class TaskStatusView
{
    /// <param name="obstacle">Why the task is not accepted yet, when it is not.</param>
    /// <param name="leaseWait">Why the first lease that waits is not granted.</param>
    /// <param name="leases">Of scenes whose attempts have not started, by number.</param>
    public static VideoTaskStatus Of(
        TaskState state, long? generation, Obstacle? obstacle, Obstacle? leaseWait, IReadOnlyDictionary<int, LeaseState> leases, DateTimeOffset now,
        IReadOnlyList<Condition>? previous, LostHistory? lost = null)
    {
        var scene = Telling(state);
        var conditions = new ConditionSet(previous, generation, now);
        Accepted(conditions, state, obstacle);
        Admitted(conditions, state);
        Suspended(conditions, state);
        Running(conditions, state, scene, leaseWait);
        Stalled(conditions, state);
        Ended(conditions, state);
        LostHistory.Write(conditions, lost);
        conditions.Keep(PlatformFinalizers.BlockedCondition);
        var (phase, reason) = Summary(state, scene, obstacle, leaseWait);
        return new VideoTaskStatus
        {
            Phase = phase,
            Reason = reason,
            ObservedGeneration = generation,
            Conditions = conditions.ToList(),
            SpecHash = state.Accepted?.SpecHash,
            Attempts = state.AttemptsStarted,
            Device = scene?.Started?.Device,
            Token = scene?.Started is { LeaseUid: not null } s ? s.Token : null,
            Scenes = state.Scenes.Count == 0 ? null : [.. state.Scenes.Values.Select(x => Scene(x, state, leases.GetValueOrDefault(x.Scene)))],
            Output = Output(state),
            StartTime = state.StartedAt,
            CompletionTime = state.EndedAt,
        };
    }

    // Of several, the one that says most about the task: who works before who starts before who waits.
    static SceneState? Telling(TaskState state) => state.Scenes.Values.MinBy(s => s.Step switch
    {
        SceneStep.Attached => 0,
        SceneStep.Started => 1,
        SceneStep.Queued => 2,
        SceneStep.Failed => 3,
        _ => 4,
    });

    static void Accepted(ConditionSet c, TaskState state, Obstacle? obstacle)
    {
        if (state.Accepted is not null)
            c.True("Accepted", "Accepted", "the spec is in force", state.AcceptedAt);
        else if (state.Phase is TaskPhase.Rejected)
            c.False("Accepted", state.EndReason!, state.EndMessage!, state.EndedAt);
        else if (obstacle is not null)
            c.False("Accepted", obstacle.Reason, obstacle.Message);
        else
            c.Unknown("Accepted", "Pending", "not looked at yet");
    }

    static void Admitted(ConditionSet c, TaskState state)
    {
        if (state.Accepted is null)
            c.False("Admitted", "NotAccepted", "the task is not accepted");
        else
            c.True("Admitted", "Admitted", "quota and credits allow the work", state.AcceptedAt);
    }

    static void Suspended(ConditionSet c, TaskState state)
    {
        if (state is { IsEnded: false, SuspendedAt: { } since })
            c.True("Suspended", "Suspended", "spec.suspend is true: nothing of the task runs, or waits in a queue", since);
        else
            c.False("Suspended", "NotSuspended", "the task may run");
    }

    static void Running(ConditionSet c, TaskState state, SceneState? scene, Obstacle? leaseWait)
    {
        if (state.IsEnded)
            c.False("Running", "Finished", "the task has ended", state.EndedAt);
        else if (state.SuspendedAt is { } since)
            c.False("Running", "Suspended", "spec.suspend is true", since);
        else if (scene is { Step: SceneStep.Attached, Started: { } s })
            c.True("Running", "Attached", $"{Which(state, scene)} works on {s.Device ?? "CPU"} in pod {s.PodName}{Others(state)}");
        else if (scene is { Step: SceneStep.Started, Started: { } p })
            c.False("Running", "Starting", $"pod {p.PodName} starts{Others(state)}");
        else if (leaseWait is not null)
            c.False("Running", leaseWait.Reason, leaseWait.Message);
        else if (scene is { LastFailure: { } f })
            c.False("Running", "BackingOff", $"attempt {f.Attempt} failed: {f.Message}");
        else
            c.False("Running", "Queued", "no attempt runs yet");
    }

    static string Which(TaskState state, SceneState scene) =>
        state.Scenes.Count == 1 ? $"attempt {scene.Attempt}" : $"attempt {scene.Attempt} of scene {scene.Scene}";

    static string Others(TaskState state) => state.Scenes.Count == 1
        ? ""
        : $"; of {state.Scenes.Count} scenes {state.Scenes.Values.Count(s => s.Step is SceneStep.Committed)} are done, {state.Scenes.Values.Count(s => s.IsRunning)} run";

    static void Stalled(ConditionSet c, TaskState state)
    {
        if (state.Scenes.Values.FirstOrDefault(s => s is { IsRunning: true, StalledAt: not null }) is { } scene)
            c.True("Stalled", "NoProgress", $"{Which(state, scene)} beats, and nothing moves", scene.StalledAt);
        else
            c.False("Stalled", "NoStall", "no attempt is known to stall");
    }

    static void Ended(ConditionSet c, TaskState state)
    {
        var at = state.EndedAt;
        if (!state.IsEnded)
        {
            c.False("Finished", "InProgress", "the task has not ended");
            c.False("Succeeded", "InProgress", "the task has not ended");
            c.False("Failed", "InProgress", "the task has not ended");
            return;
        }

        var succeeded = state.Phase is TaskPhase.Succeeded;
        var reason = succeeded ? "Succeeded" : state.EndReason!;
        var message = !succeeded ? state.EndMessage! : state.Output is { } output ? $"output {output.Uri}" : $"{state.Scenes.Count} scenes, each with its output";
        c.True("Finished", reason, message, at);
        c.Set("Succeeded", succeeded, reason, message, at);
        c.Set("Failed", !succeeded, reason, message, at);
    }

    static (string Phase, string? Reason) Summary(TaskState state, SceneState? scene, Obstacle? obstacle, Obstacle? leaseWait) => state.Phase switch
    {
        TaskPhase.Succeeded => ("Succeeded", null),
        TaskPhase.Rejected or TaskPhase.Failed or TaskPhase.Cancelled => ("Failed", state.EndReason),
        TaskPhase.None => ("Pending", obstacle?.Reason),
        _ when state.SuspendedAt is not null => ("Suspended", null),
        _ when scene is { IsRunning: true } => ("Running", scene.Step is SceneStep.Started ? "Starting" : null),
        _ => ("Queued", leaseWait?.Reason ?? (scene?.LastFailure is null ? null : "BackingOff")),
    };

    static SceneStatus Scene(SceneState s, TaskState state, LeaseState? lease) => new()
    {
        Index = s.Scene,
        Attempt = s.Attempt,
        State = s.Step switch
        {
            SceneStep.Started => "Starting",
            SceneStep.Queued when s.LastFailure is not null => "BackingOff",
            _ => s.Step.ToString(),
        },
        Lease = state.Accepted is { NeedsLease: true } a ? AttemptName.Of(a.Name, a.TaskUid, s.Scene, s.Attempt) : null,
        Pod = s.Started?.PodName,
        Node = s.Started?.Node ?? lease?.Grant?.Slot.Node,
        Device = s.Started?.Device ?? lease?.Grant?.Slot.Device,
        Token = s.Started is { LeaseUid: not null } started ? started.Token : lease?.Grant?.Token,
        Message = s.LastFailure is { } f && s.Step is not SceneStep.Committed ? $"attempt {f.Attempt}: {f.Reason}: {f.Message}" : null,
        Output = state.Scenes.Count > 1 && s.Result is { } r ? Of(r) : null,
    };

    // How a re-adopted output came about is not on record.
    static OutputStatus? Output(TaskState state) => state.Output is not { } o ? null
        : (state.Scenes.Values.FirstOrDefault()?.Result is { } result ? Of(result) : new OutputStatus()) with
        {
            Uri = o.Uri,
            Key = o.Key,
            Sha256 = o.Sha256,
            Bytes = o.Bytes,
        };

    static OutputStatus Of(SceneResult r) => new()
    {
        Uri = r.Uri,
        Key = r.Key,
        Sha256 = r.Sha256,
        Bytes = r.Bytes,
        DurationMillis = r.DurationMillis,
        VideoCodec = r.VideoCodec,
        AudioCodec = r.AudioCodec,
        Resolution = $"{r.Width}x{r.Height}",
        Encoder = r.Encoder,
        EncoderReason = r.EncoderReason,
    };
}

/// <summary>Something that keeps an object waiting: a fixed CamelCase reason, and how to mend it.</summary>
sealed record Obstacle(string Reason, string Message);
