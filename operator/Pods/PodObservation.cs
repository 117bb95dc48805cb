using System.Globalization;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Resources;

namespace Framelease.Operator.Pods;

/// <summary>Reads from a worker pod's status what counts as its end (R4 a): the kubelet's <c>terminated</c> for every container.</summary>
static class PodObservation
{
    /// <returns>Null while any container may still run, or before the kubelet has said anything.</returns>
    public static PodEnd? EndOf(Pod pod)
    {
        var phase = pod.Status?.Phase;
        if (phase is not ("Succeeded" or "Failed"))
            return null;
        var statuses = pod.Status?.ContainerStatuses ?? [];
        var expected = pod.Spec?.Containers?.Count ?? 0;
        if (statuses.Count == 0)
        {
            // Refused by the kubelet before any container (for example Evicted or OutOfcpu): it says so as reason, and started nothing.
            return new PodEnd(false, null, false, $"the pod never started: {pod.Status?.Reason ?? "no reason"} {pod.Status?.Message}".TrimEnd(), Evidence(pod, "no container was ever created"));
        }

        if (statuses.Count < expected || statuses.Any(s => s.State?.Terminated is null && s.State?.Waiting is null))
            return null;
        if (statuses.All(s => s.State?.Terminated is null))
            return new PodEnd(false, null, false, "no container of the pod was ever started", Evidence(pod, "every container was still waiting"));
        var end = statuses.First(s => s.State?.Terminated is not null).State!.Terminated!;
        var code = end.ExitCode.ToString(CultureInfo.InvariantCulture);
        var message = end.Signal is { } signal
            ? $"the worker was killed by signal {signal} (exit code {code})"
            : $"the worker ended with exit code {code} ({end.Reason})";
        return new PodEnd(true, end.ExitCode, end.Reason == "OOMKilled", message, Evidence(pod, $"container {statuses[0].Name} terminated, exit code {code}"));
    }

    /// <summary>The fence that a pod's labels carry; null when it is not one of ours.</summary>
    public static (string TaskUid, int Scene, int Attempt)? AttemptOf(Pod pod)
    {
        var labels = pod.Metadata.Labels;
        return labels is not null && labels.TryGetValue(ApiGroup.TaskUidLabel, out var uid)
            && labels.TryGetValue(ApiGroup.SceneLabel, out var scene) && int.TryParse(scene, NumberStyles.None, CultureInfo.InvariantCulture, out var s)
            && labels.TryGetValue(ApiGroup.AttemptLabel, out var attempt) && int.TryParse(attempt, NumberStyles.None, CultureInfo.InvariantCulture, out var a)
            ? (uid, s, a)
            : null;
    }

    static string Evidence(Pod pod, string what) => $"pod {pod.Metadata.Name} uid {pod.Metadata.Uid} on {pod.Spec?.NodeName ?? "no node"}: {what}";
}
