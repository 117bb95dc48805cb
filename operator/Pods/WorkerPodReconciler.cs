using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Pods;

/// <summary>
/// Records the end of worker pods. The kubelet's <c>terminated</c> is a proof (R4 a): it ends an attempt that said nothing itself, and frees a quarantined slot.
/// Only then does the pod lose its finalizer, so that no end goes unseen: a pod whose end proves nothing keeps it while its slot is in quarantine.
/// </summary>
sealed class WorkerPodReconciler(
    ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores, AttemptService attempts, PlatformFinalizers finalizers,
    Leader leader, ILogger<WorkerPodReconciler> logger) : IReconciler
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Later = TimeSpan.FromSeconds(30);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.WorkerPods.Find(key) is not { } pod || PodObservation.AttemptOf(pod) is not { } attempt
            || !pod.HasFinalizer(ApiGroup.PodFinalizer))
            return ReconcileResult.Done;
        var end = PodObservation.EndOf(pod) ?? NeverScheduled(pod);
        return end is null && pod.Metadata.DeletionTimestamp is null
            ? ReconcileResult.Done
            : await finalizers.Pods.RunAsync(pod, stop => RecordAsync(pod, attempt, end, stop), cancel);
    }

    async Task<CleanUp> RecordAsync(Pod pod, (string TaskUid, int Scene, int Attempt) attempt, PodEnd? end, CancellationToken cancel)
    {
        if (end is null)
            return CleanUp.Waiting($"node {pod.Spec?.NodeName} to report the end of its containers", Later);
        if (await ledger.FindAttemptByPodAsync(pod.Metadata.Uid!, cancel) is { } row)
        {
            var fence = new AttemptFence(row.TaskUid, row.Scene, row.Attempt, row.PodUid, row.LeaseUid, row.Token);
            var plan = await attempts.PodEndedAsync(fence, end, leader.Epoch, cancel);
            if (plan.Refusal is { } refusal)
            {
                Log.Refused(logger, "the end", pod.Metadata.Name!, refusal.Reason, refusal.Message);
                return CleanUp.Waiting($"its end to be recorded, which was refused: {refusal.Reason} {refusal.Message}", Later);
            }

            if (!end.EverStarted && row.LeaseUid is not null && (await ledger.LoadLeaseAsync(row.LeaseUid, cancel)).State.SlotQuarantined)
                return CleanUp.Waiting("a proof that its containers ended: it was deleted without any report of theirs, and its slot is in quarantine", Later);
        }
        else
        {
            // The pod ended before its start was on record. While its task lives, the task's reconciler records the start first.
            var task = await ledger.LoadTaskAsync(attempt.TaskUid, cancel);
            if (task.State is { IsEnded: false, SuspendedAt: null } && task.State.Scenes.TryGetValue(attempt.Scene, out var scene) && scene.Attempt == attempt.Attempt && scene.Started is null)
                return CleanUp.Waiting("its start to be recorded first", Soon);
        }

        await PodClaim.DropAsync(kubernetes, pod, cancel);
        return CleanUp.Complete;
    }

    // Deleted before any node took it: no kubelet will ever report on it, and none ever ran it.
    static PodEnd? NeverScheduled(Pod pod) => pod.Metadata.DeletionTimestamp is not null && pod.Spec?.NodeName is null
        ? new PodEnd(false, null, false, "the pod was deleted before a node took it", $"pod {pod.Metadata.Name} uid {pod.Metadata.Uid} never had a node")
        : null;
}
