using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Hosting;
using Framelease.Operator.Pods;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// Creates an attempt's GpuLease and pod. Their names are deterministic (R6): a create that turns out to exist finds what an earlier try made, and takes it
/// only if it carries this task's UID.
/// </summary>
sealed class AttemptObjects(IKubernetesClient kubernetes, OperatorOptions options)
{
    public async Task<GpuLease> EnsureLeaseAsync(VideoTask task, TaskState state, SceneState scene, GpuPool? pool, CancellationToken cancel)
    {
        var accepted = state.Accepted!;
        var name = AttemptName.Of(accepted.Name, accepted.TaskUid, scene.Scene, scene.Attempt);
        if (await kubernetes.FindAsync<GpuLease>(name, accepted.Namespace, cancel) is { } existing)
            return Ours(existing, task);
        var wish = new GpuLease
        {
            Metadata = new ObjectMeta
            {
                Name = name,
                Namespace = accepted.Namespace,
                Labels = WorkerPod.Labels(accepted.TaskUid, scene.Scene, scene.Attempt),
                Finalizers = [ApiGroup.LeaseFinalizer],
                OwnerReferences = [WorkerPod.OwnerOf(task)],
            },
            Spec = new GpuLeaseSpec
            {
                Pool = accepted.Pool,
                Holder = new LeaseHolder
                {
                    Kind = nameof(VideoTask),
                    Name = accepted.Name,
                    Uid = accepted.TaskUid,
                    Scene = scene.Scene,
                    Attempt = scene.Attempt,
                },
                MaxWaitSeconds = 0,
                StartDeadlineSeconds = task.Spec.Timeouts?.StartDeadlineSeconds ?? pool?.Spec.StartDeadlineSeconds,
                HeartbeatIntervalSeconds = task.Spec.Timeouts?.HeartbeatIntervalSeconds ?? pool?.Spec.HeartbeatIntervalSeconds,
                HeartbeatTimeoutSeconds = task.Spec.Timeouts?.HeartbeatTimeoutSeconds ?? pool?.Spec.HeartbeatTimeoutSeconds,
            },
        };
        try
        {
            return await kubernetes.CreateAsync(wish, cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            return Ours(await kubernetes.GetAsync<GpuLease>(name, accepted.Namespace, cancel), task);
        }
    }

    public async Task<Pod> EnsurePodAsync(VideoTask task, TaskState state, SceneState scene, Engine engine, LeaseGranted? grant, CancellationToken cancel)
    {
        var accepted = state.Accepted!;
        var name = AttemptName.Of(accepted.Name, accepted.TaskUid, scene.Scene, scene.Attempt);
        var wish = WorkerPod.Build(
            task, engine, name, scene.Scene, scene.Attempt, grant, options.PublicUrl ?? options.Listen, options.WorkerServiceAccount,
            grant?.Terms.StartDeadlineSeconds ?? 600);
        try
        {
            return await kubernetes.CreateAsync(wish, cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            return Ours(await kubernetes.GetAsync<Pod>(name, accepted.Namespace, cancel), task);
        }
    }

    static T Ours<T>(T found, VideoTask task)
        where T : KubernetesObject =>
        found.Metadata.Labels?.GetValueOrDefault(ApiGroup.TaskUidLabel) == task.Metadata.Uid
            ? found
            : throw new NameTakenException($"{typeof(T).Name} {found.Metadata.Namespace}/{found.Metadata.Name} exists and belongs to something else; delete or rename it");
}

/// <summary>An object of an attempt's name exists that is not the attempt's.</summary>
sealed class NameTakenException(string message) : Exception(message);
