using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>A pod's status as a kubelet reports it. Pure: the same view gives the same status; conditions of others are kept.</summary>
static class PodStatusBuilder
{
    internal static PodStatus Build(Pod pod, PodView view, DateTimeOffset now)
    {
        var old = pod.Status ?? new PodStatus();
        var phase = Phase(pod, view);
        return old with
        {
            Phase = phase,
            Reason = view.Reason ?? old.Reason,
            Message = view.Message ?? old.Message,
            StartTime = old.StartTime ?? now,
            HostIP = "127.0.0.1",
            PodIP = "127.0.0.1",
            QosClass = old.QosClass ?? Qos(pod),
            InitContainerStatuses = view.Init.Count == 0 ? old.InitContainerStatuses : [.. view.Init.Select(container => Status(container, view))],
            ContainerStatuses = [.. view.Main.Select(container => Status(container, view))],
            Conditions = Conditions(old.Conditions ?? [], phase, view, now),
        };
    }

    /// <summary>Unschedulable here: the condition that a scheduler writes.</summary>
    internal static PodStatus Unschedulable(Pod pod, string message, DateTimeOffset now)
    {
        var old = pod.Status ?? new PodStatus();
        return old with { Conditions = With(old.Conditions ?? [], new("PodScheduled", "False", "Unschedulable", message), now), Phase = old.Phase ?? "Pending" };
    }

    internal static string Phase(Pod pod, PodView view)
    {
        if (pod.Status?.Phase is "Succeeded" or "Failed")
            return pod.Status.Phase; // final, whoever set it
        if (view.Final && view.All.All(container => container.Exit is not null || container.State is RunState.Absent))
            return view.Reason is null && view.Main.All(container => container.Exit is { ExitCode: 0 }) ? "Succeeded" : "Failed";
        var policy = pod.Spec?.RestartPolicy ?? "Always";
        if (!view.Initialized)
            return policy == "Never" && view.Init.Any(container => container.Exit is { ExitCode: not 0 }) ? "Failed" : "Pending";
        if (view.Main.Any(container => container.IsRunning))
            return "Running";
        if (view.Main.Any(container => container.Exit is null && container.Previous is null))
            return "Pending";
        if (view.Main.Any(container => container.Exit is null || container.WillRestart))
            return "Running";
        return view.Main.All(container => container.Exit is { ExitCode: 0 }) ? "Succeeded" : policy == "Never" ? "Failed" : "Running";
    }

    static ContainerStatus Status(ContainerView container, PodView view)
    {
        var id = container.State is RunState.Absent ? null : Id(container.Run);
        var previous = container.Previous is { } exit ? Ended(exit, Id(container.Run with { Number = container.Run.Number - 1 })) : null;
        var state = container.State switch
        {
            RunState.Active { Main: not null } active => new ContainerState { Running = new() { StartedAt = active.StartedAt } },
            RunState.Ended when container is { WillRestart: true, Obstacle: { } obstacle } => Waiting(obstacle),
            RunState.Ended ended => Ended(ended.Exit, id),
            RunState.Absent when view.Final => new ContainerState
            {
                Terminated = new()
                {
                    ExitCode = 137, Reason = "ContainerStatusUnknown", Message = "The container was not started before the pod ended.",
                },
            },
            _ => Waiting(container.Obstacle ?? new(view.Initialized || !view.Main.Contains(container) ? Obstacle.Creating : Obstacle.PodInitializing, null)),
        };
        return new ContainerStatus
        {
            Name = container.Spec.Name,
            Image = container.Spec.Image,
            ImageID = container.Program ?? "",
            ContainerID = id,
            Ready = container.IsRunning || (!view.Main.Contains(container) && container.Exit is { ExitCode: 0 }),
            Started = container.IsRunning,
            RestartCount = container.Run.Number,
            State = state,
            LastState = state.Waiting is not null && container.Exit is { } last ? Ended(last, id) : previous,
        };
    }

    static ContainerState Waiting(Obstacle obstacle) => new() { Waiting = new() { Reason = obstacle.Reason, Message = obstacle.Message } };

    static ContainerState Ended(ExitRecord exit, string? id) => new()
    {
        Terminated = new()
        {
            ExitCode = exit.ExitCode,
            Reason = exit.Reason ?? (exit.OomKilled ? "OOMKilled" : exit.ExitCode == 0 ? "Completed" : "Error"),
            Message = exit.Message,
            StartedAt = exit.StartedAt,
            FinishedAt = exit.FinishedAt,
            ContainerID = id,
        },
    };

    static string Id(RunId run) => $"process://{run.PodUid}/{run.Container}/{run.Number}";

    static IReadOnlyList<PodCondition> Conditions(IReadOnlyList<PodCondition> old, string phase, PodView view, DateTimeOffset now)
    {
        var conditions = With(old, new("PodScheduled", "True"), now);
        var ended = phase switch { "Succeeded" => "PodCompleted", "Failed" => "PodFailed", _ => null };
        var waiting = view.Init.Where(container => container.Exit is not { ExitCode: 0 }).Select(container => container.Spec.Name).ToArray();
        conditions = With(conditions, waiting.Length == 0 ? new("Initialized", "True", phase == "Succeeded" ? "PodCompleted" : null)
            : new("Initialized", "False", "ContainersNotInitialized", $"containers with incomplete status: [{string.Join(' ', waiting)}]"), now);
        var unready = view.Main.Where(container => !container.IsRunning).Select(container => container.Spec.Name).ToArray();
        foreach (var type in new[] { "ContainersReady", "Ready" })
            conditions = With(conditions, unready.Length == 0 && ended is null ? new(type, "True")
                : ended is not null ? new(type, "False", ended)
                : new(type, "False", "ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]"), now);
        return conditions;
    }

    readonly record struct Wanted(string Type, string Status, string? Reason = null, string? Message = null);

    static IReadOnlyList<PodCondition> With(IReadOnlyList<PodCondition> conditions, Wanted wanted, DateTimeOffset now)
    {
        var old = conditions.FirstOrDefault(condition => condition.Type == wanted.Type);
        var condition = new PodCondition
        {
            Type = wanted.Type,
            Status = wanted.Status,
            Reason = wanted.Reason,
            Message = wanted.Message,
            LastTransitionTime = old?.Status == wanted.Status ? old.LastTransitionTime ?? now : now,
        };
        return old is null ? [.. conditions, condition] : [.. conditions.Select(present => ReferenceEquals(present, old) ? condition : present)];
    }

    static string Qos(Pod pod)
    {
        var containers = pod.Spec?.Containers ?? [];
        if (containers.All(container => container.Resources is not { Limits.Count: > 0 } and not { Requests.Count: > 0 }))
            return "BestEffort";
        return containers.All(container => container.Resources?.Limits is { } limits && limits.ContainsKey("cpu") && limits.ContainsKey("memory") &&
            (container.Resources.Requests ?? limits).All(request => request.Key is not ("cpu" or "memory") || limits[request.Key] == request.Value))
            ? "Guaranteed" : "Burstable";
    }
}
