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
    /// <param name="leaseWait">Why the current attempt's lease is not granted, when it waits.</param>
    public static VideoTaskStatus Of(
        TaskState state, long? generation, Obstacle? obstacle, Obstacle? leaseWait, LeaseState? lease, DateTimeOffset now, IReadOnlyList<Condition>? previous,
        LostHistory? lost = null)
    {
        var scene = state.Scenes.Values.FirstOrDefault();
        var conditions = new ConditionSet(previous, generation, now);
        Accepted(conditions, state, obstacle);
        Admitted(conditions, state);
        Running(conditions, state, scene, leaseWait);
        Stalled(conditions, scene);
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
            Scenes = state.Scenes.Count == 0 ? null : [.. state.Scenes.Values.Select(x => Scene(x, state, lease))],
            Output = Output(state, scene),
            StartTime = state.StartedAt,
            CompletionTime = state.EndedAt,
        };
    }

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

    static void Running(ConditionSet c, TaskState state, SceneState? scene, Obstacle? leaseWait)
    {
        if (state.IsEnded)
            c.False("Running", "Finished", "the task has ended", state.EndedAt);
        else if (scene is { Step: SceneStep.Attached, Started: { } s })
            c.True("Running", "Attached", $"attempt {scene.Attempt} works on {s.Device ?? "CPU"} in pod {s.PodName}");
        else if (scene is { Step: SceneStep.Started, Started: { } p })
            c.False("Running", "Starting", $"pod {p.PodName} starts");
        else if (leaseWait is not null)
            c.False("Running", leaseWait.Reason, leaseWait.Message);
        else if (scene is { LastFailure: { } f })
            c.False("Running", "BackingOff", $"attempt {f.Attempt} failed: {f.Message}");
        else
            c.False("Running", "Queued", "no attempt runs yet");
    }

    static void Stalled(ConditionSet c, SceneState? scene)
    {
        if (scene is { IsRunning: true, StalledAt: { } since })
            c.True("Stalled", "NoProgress", $"attempt {scene.Attempt} beats, and nothing moves", since);
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
        var message = succeeded ? $"output {state.Output!.Uri}" : state.EndMessage!;
        c.True("Finished", reason, message, at);
        c.Set("Succeeded", succeeded, reason, message, at);
        c.Set("Failed", !succeeded, reason, message, at);
    }

    static (string Phase, string? Reason) Summary(TaskState state, SceneState? scene, Obstacle? obstacle, Obstacle? leaseWait) => state.Phase switch
    {
        TaskPhase.Succeeded => ("Succeeded", null),
        TaskPhase.Rejected or TaskPhase.Failed or TaskPhase.Cancelled => ("Failed", state.EndReason),
        TaskPhase.None => ("Pending", obstacle?.Reason),
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
    };

    static OutputStatus? Output(TaskState state, SceneState? scene) => state.Output is not { } o ? null : new OutputStatus
    {
        Uri = o.Uri,
        Key = o.Key,
        Sha256 = o.Sha256,
        Bytes = o.Bytes,
        DurationMillis = scene?.Result?.DurationMillis,
        VideoCodec = scene?.Result?.VideoCodec,
        AudioCodec = scene?.Result?.AudioCodec,
        Resolution = scene?.Result is { } r ? $"{r.Width}x{r.Height}" : null,
        Encoder = scene?.Result?.Encoder,
        EncoderReason = scene?.Result?.EncoderReason,
    };
}

/// <summary>Something that keeps an object waiting: a fixed CamelCase reason, and how to mend it.</summary>
sealed record Obstacle(string Reason, string Message);
