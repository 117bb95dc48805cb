using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>READY, STATUS and RESTARTS as kubectl shows them: the most telling reason of any container wins over the phase.</summary>
static class PodRows
{
    public static readonly BuiltinRows Rows = new(
        [
            TableWriter.Name, new("Ready", "string", ""), new("Status", "string", ""), new("Restarts", "string", ""), new("Age", "string", ""),
            new("IP", "string", "", Priority: 1), new("Node", "string", "", Priority: 1),
            new("Nominated Node", "string", "", Priority: 1), new("Readiness Gates", "string", "", Priority: 1),
        ],
        Cells);

    static IEnumerable<JsonNode?> Cells(JsonObject pod, DateTimeOffset now)
    {
        var (spec, status) = (pod.Obj("spec"), pod.Obj("status"));
        var containers = Statuses(status, "containerStatuses");
        var ready = containers.Count(container => container.Bool("ready") == true);
        return
        [
            pod.NameOf(), $"{ready}/{spec.Arr("containers")?.Count ?? 0}", Status(pod), Restarts(containers, now), BuiltinRows.AgeOf(pod, now),
            status.Str("podIP") ?? "<none>", spec.Str("nodeName") is { Length: > 0 } node ? node : "<none>",
            status.Str("nominatedNodeName") ?? "<none>", "<none>",
        ];
    }

    static string Status(JsonObject pod)
    {
        var status = pod.Obj("status");
        var shown = status.Str("reason") is { Length: > 0 } reason ? reason : status.Str("phase") ?? "Unknown";
        var initializing = Initializing(pod);
        shown = initializing ?? Running(Statuses(status, "containerStatuses"), shown);
        if (pod.Obj("metadata").Str("deletionTimestamp") is not null)
            return status.Str("reason") == "NodeLost" ? "Unknown" : status.Str("phase") is "Succeeded" or "Failed" ? shown : "Terminating";
        return shown;
    }

    static string? Initializing(JsonObject pod)
    {
        var statuses = Statuses(pod.Obj("status"), "initContainerStatuses");
        for (var i = 0; i < statuses.Count; i++)
        {
            var state = statuses[i].Obj("state");
            var terminated = state.Obj("terminated");
            if (terminated.Int("exitCode") == 0)
                continue;
            if (terminated is not null)
                return $"Init:{Reason(terminated)}";
            return state.Obj("waiting").Str("reason") is { Length: > 0 } waiting and not "PodInitializing"
                ? $"Init:{waiting}" : $"Init:{i}/{pod.Obj("spec").Arr("initContainers")?.Count ?? 0}";
        }

        return null;
    }

    static string Running(List<JsonObject> containers, string shown)
    {
        var hasRunning = false;
        for (var i = containers.Count - 1; i >= 0; i--)
        {
            var state = containers[i].Obj("state");
            if (state.Obj("waiting").Str("reason") is { Length: > 0 } waiting)
                shown = waiting;
            else if (state.Obj("terminated") is { } terminated)
                shown = Reason(terminated);
            else if (containers[i].Bool("ready") == true && state.Obj("running") is not null)
                hasRunning = true;
        }

        return shown == "Completed" && hasRunning ? "Running" : shown;
    }

    static string Reason(JsonObject terminated) => terminated.Str("reason") is { Length: > 0 } reason ? reason
        : terminated.Int("signal") is { } signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{terminated.Int("exitCode")}";

    static string Restarts(List<JsonObject> containers, DateTimeOffset now)
    {
        var restarts = containers.Sum(container => container.Int("restartCount") ?? 0);
        var last = containers.Select(container => container.Obj("lastState").Obj("terminated").Str("finishedAt")).OfType<string>().Order().LastOrDefault();
        return restarts > 0 && last is not null ? $"{restarts} ({BuiltinRows.Since(last, now)} ago)" : restarts.ToString();
    }

    static List<JsonObject> Statuses(JsonObject? status, string name) => [.. (status.Arr(name) ?? []).OfType<JsonObject>()];
}
