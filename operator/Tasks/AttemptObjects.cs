using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
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
    /// <summary>What a task's leases ask for; what it leaves open is the pool's.</summary>
    /// <param name="work">Of the scene.</param>
    public static GpuLeaseSpec LeaseSpec(VideoTask task, string pool, SceneWork work)
    {
        var timeouts = task.Spec.Timeouts;
        return new GpuLeaseSpec
        {
            Pool = pool,
            MaxWaitSeconds = 0,
            StartDeadlineSeconds = timeouts?.StartDeadlineSeconds,
            HeartbeatIntervalSeconds = timeouts?.HeartbeatIntervalSeconds,
            HeartbeatTimeoutSeconds = timeouts?.HeartbeatTimeoutSeconds,
            WarningSeconds = timeouts?.WarningSeconds,
            SoftSeconds = timeouts?.SoftSeconds,
            HardSeconds = timeouts?.HardSeconds,
            ProgressTimeoutSeconds = timeouts?.ProgressTimeoutSeconds,
            Resources = task.Spec.Resources,
            PriorityBoost = task.Spec.PriorityBoost,
            Complexity = ComplexityOf(work),
        };
    }

    // As the source had it: a hundred characters of prompt are a point.
    static int ComplexityOf(SceneWork work) =>
        work.Parameters.GetValueOrDefault("prompt") is { } prompt ? Math.Min(LeaseClaim.MostComplexity, prompt.Length / 100) : 0;

    public async Task<GpuLease> EnsureLeaseAsync(VideoTask task, TaskState state, SceneState scene, CancellationToken cancel)
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
            Spec = LeaseSpec(task, accepted.Pool, accepted.WorkOf(scene.Scene)) with
            {
                Holder = new LeaseHolder
                {
                    Kind = nameof(VideoTask),
                    Name = accepted.Name,
                    Uid = accepted.TaskUid,
                    Scene = scene.Scene,
                    Attempt = scene.Attempt,
                },
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

    /// <summary>The pod, and before it the claim that it waits for, where it gets its device by one.</summary>
    /// <param name="leaseUid">Of the grant; null without one.</param>
    /// <returns>
    /// Null while a pod or a claim of the same name is there that was made under another grant: it comes from a part of the history that was
    /// lost (R12), and goes first.
    /// </returns>
    public async Task<Pod?> EnsurePodAsync(
        VideoTask task, TaskState state, SceneState scene, Engine engine, string? leaseUid, LeaseGranted? grant, CancellationToken cancel)
    {
        var accepted = state.Accepted!;
        var name = AttemptName.Of(accepted.Name, accepted.TaskUid, scene.Scene, scene.Attempt);
        if (grant?.Terms.Dra is not null
            && !await EnsureClaimAsync(PodClaim.Build(task, name, scene.Scene, scene.Attempt, leaseUid!, grant), cancel))
        {
            // Its pod may have it still, and goes with it.
            if (await kubernetes.FindAsync<Pod>(name, accepted.Namespace, cancel) is { } user)
                await TakeAsync(user, task, grant, cancel);
            return null;
        }

        var wish = WorkerPod.Build(
            task, engine, name, scene.Scene, scene.Attempt, grant, options.PublicUrl ?? options.Listen, options.WorkerServiceAccount,
            grant?.Terms.StartDeadlineSeconds ?? 600);
        try
        {
            return await kubernetes.CreateAsync(wish, cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            return await TakeAsync(await kubernetes.GetAsync<Pod>(name, accepted.Namespace, cancel), task, grant, cancel);
        }
    }

    async Task<Pod?> TakeAsync(Pod found, VideoTask task, LeaseGranted? grant, CancellationToken cancel)
    {
        if (IsOf(Ours(found, task), grant))
            return found;
        await LetGoAsync(found, cancel);
        return null;
    }

    async Task LetGoAsync<T>(T found, CancellationToken cancel)
        where T : KubernetesObject
    {
        if (found.Metadata.DeletionTimestamp is null)
            await kubernetes.DeleteAsync<T>(
                found.Metadata.Name!, found.Metadata.Namespace, DeleteOptions.ForUid(found.Metadata.Uid), cancel);
    }

    async Task<bool> EnsureClaimAsync(ResourceClaim wish, CancellationToken cancel)
    {
        var (name, ns) = (wish.Metadata.Name!, wish.Metadata.Namespace);
        try
        {
            await kubernetes.CreateAsync(wish, cancel);
            return true;
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            var found = await kubernetes.GetAsync<ResourceClaim>(name, ns, cancel);
            if (PodClaim.IsSame(found, wish))
                return true;
            if (found.Metadata.Labels?.GetValueOrDefault(ApiGroup.TaskUidLabel) != wish.Metadata.Labels![ApiGroup.TaskUidLabel])
            {
                throw new NameTakenException(
                    $"ResourceClaim {ns}/{name} exists and is not that of this lease's device; delete or rename it");
            }

            await LetGoAsync(found, cancel);
            return false;
        }
    }

    // A token is granted once. A pod loses its finalizer when its end is on record, and this attempt's start is not yet.
    static bool IsOf(Pod pod, LeaseGranted? grant) => pod.HasFinalizer(ApiGroup.PodFinalizer)
        && pod.Metadata.Annotations?.GetValueOrDefault(ApiGroup.TokenAnnotation) is var token
        && (token is null || token == WorkerPod.TokenOf(grant));


    static T Ours<T>(T found, VideoTask task)
        where T : KubernetesObject =>
        found.Metadata.Labels?.GetValueOrDefault(ApiGroup.TaskUidLabel) == task.Metadata.Uid
            ? found
            : throw new NameTakenException($"{typeof(T).Name} {found.Metadata.Namespace}/{found.Metadata.Name} exists and belongs to something else; delete or rename it");
}

/// <summary>An object of an attempt's name exists that is not the attempt's.</summary>
sealed class NameTakenException(string message) : Exception(message);
