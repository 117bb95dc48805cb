using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Resources;

namespace Framelease.Operator;

/// <summary>The finalizers of the platform. Their deadline decides nothing but what people are told, and when a task whose end is on record may go.</summary>
sealed record PlatformFinalizers(Finalizer<VideoTask> Tasks, Finalizer<GpuLease> Leases, Finalizer<Pod> Pods) : IDisposable
{
    public const string BlockedCondition = Finalizer<VideoTask>.BlockedCondition;

    public static PlatformFinalizers Create(IKubernetesClient kubernetes, PlatformStores stores, TimeProvider time, EventRecorder events, ILogger log)
    {
        Finalizer<T> Of<T>(Store<T> store, string name, Func<T, Condition?> find, Func<T, Condition, CancellationToken, Task> write)
            where T : class, IKubernetesObject =>
            new(kubernetes, store, new() { Name = name, FindCondition = find, WriteConditionAsync = write }, time, events, log);

        return new(
            Of(stores.Tasks, ApiGroup.TaskFinalizer,
                task => Conditions.Find(task.Status?.Conditions, BlockedCondition),
                (task, condition, cancel) => kubernetes.PatchStatusAsync(
                    task, task with { Status = (task.Status ?? new()) with { Conditions = With(task.Status?.Conditions, condition) } }, ifUnchanged: true, cancel)),
            Of(stores.Leases, ApiGroup.LeaseFinalizer,
                lease => Conditions.Find(lease.Status?.Conditions, BlockedCondition),
                (lease, condition, cancel) => kubernetes.PatchStatusAsync(
                    lease, lease with { Status = (lease.Status ?? new()) with { Conditions = With(lease.Status?.Conditions, condition) } }, ifUnchanged: true, cancel)),
            Of(stores.WorkerPods, ApiGroup.PodFinalizer,
                pod => pod.Status?.Conditions?.FirstOrDefault(c => c.Type == BlockedCondition) is { } c
                    ? new Condition(c.Type, c.Status, c.Reason ?? "", c.Message ?? "", c.LastTransitionTime ?? default, pod.Metadata.Generation)
                    : null,
                // Strategic: the kubelet's conditions beside it are not ours to repeat.
                (pod, c, cancel) => kubernetes.PatchAsync<Pod>(
                    pod.Metadata.Name!, pod.Metadata.Namespace,
                    Patch.Strategic(new { status = new { conditions = new[] { new PodCondition { Type = c.Type, Status = c.Status, Reason = c.Reason, Message = c.Message, LastTransitionTime = c.LastTransitionTime } } } }),
                    "status", cancel)));
    }

    public void Dispose()
    {
        Tasks.Dispose();
        Leases.Dispose();
        Pods.Dispose();
    }

    static IReadOnlyList<Condition> With(IReadOnlyList<Condition>? conditions, Condition condition) =>
        [.. (conditions ?? []).Where(c => c.Type != condition.Type), condition];
}
