using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.ObjectStorage;
using Framelease.Operator.Attempts;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pods;
using Framelease.Operator.Status;
using Framelease.Resources;
using ObjectKey = Framelease.Kubernetes.Models.ObjectKey;

namespace Framelease.Operator.Tasks;

/// <summary>What one pass over a task's scene found and did.</summary>
/// <param name="Changed">Events were recorded: load the task again.</param>
/// <param name="Again">Look again after this long, even if nothing happens.</param>
/// <param name="Wait">Why the attempt's lease is not granted.</param>
sealed record SceneStepResult(bool Changed, TimeSpan? Again, Obstacle? Wait, LeaseState? Lease)
{
    public static SceneStepResult Nothing { get; } = new(false, null, null, null);
}

/// <summary>Carries the current attempt of a scene from queued to started: lease, grant, pod, record. Afterwards the worker and the pod's end speak.</summary>
sealed class SceneRunner(
    ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores, AttemptObjects objects, IObjectStore store, AttemptSignals signals,
    Random chance, TimeProvider time)
{
    static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    readonly Dictionary<string, long> _patience = new(StringComparer.Ordinal);

    /// <returns>What is missing, in words; null when the input is there, or when only the worker can tell.</returns>
    public async Task<string?> MissingInputAsync(TaskAccepted accepted, CancellationToken cancel) =>
        accepted.Input.Object is { } key && await store.HeadAsync(key, cancel) is null
            ? $"spec.input.object: the object store holds no \"{key}\"; upload it first, then create the task anew"
            : null;

    public async Task<SceneStepResult> AdvanceAsync(VideoTask task, Loaded<TaskState> loaded, LeaderEpoch epoch, CancellationToken cancel)
    {
        var scene = loaded.State.Scenes.Values.First();
        var cleaned = await DeleteLeftPodsAsync(loaded.State, cancel);
        if (scene.Step is not SceneStep.Queued)
            return new SceneStepResult(false, cleaned, null, null);
        var wait = scene.NotBefore - loaded.DatabaseNow;
        if (wait > TimeSpan.Zero)
            return new SceneStepResult(false, wait, null, null);
        if (stores.Engines.Find(new ObjectKey(null, loaded.State.Accepted!.Engine)) is not { } engine)
            return new SceneStepResult(false, Soon, new Obstacle("EngineNotFound", $"Engine \"{loaded.State.Accepted.Engine}\" was deleted; apply it again"), null);
        return loaded.State.Accepted.NeedsLease
            ? await WithLeaseAsync(task, loaded, scene, engine, epoch, cancel)
            : await StartAsync(task, loaded, scene, engine, null, null, epoch, cancel);
    }

    /// <summary>Ends what is left of a task that has ended. <see cref="SceneStepResult.Again"/> is null once nothing is left.</summary>
    public async Task<SceneStepResult> CleanUpAsync(Loaded<TaskState> loaded, CancellationToken cancel)
    {
        // What the lost part of a history had ended is left as it is found (R12).
        if (loaded.State is { IsReadopted: false, EndReason: not LostHistory.Condition })
            await DeleteWaitingLeasesAsync(loaded.State, cancel);
        return new(false, await DeleteLeftPodsAsync(loaded.State, cancel), null, null);
    }

    // Of an attempt that had not started when its task ended: nobody will ever take up the grant. Its deletion gives it up, or gives back what was
    // granted at the same moment.
    async Task DeleteWaitingLeasesAsync(TaskState state, CancellationToken cancel)
    {
        foreach (var scene in state.Scenes.Values.Where(s => s.Step is SceneStep.Queued && state.Accepted!.NeedsLease))
        {
            var key = new ObjectKey(state.Accepted!.Namespace, AttemptName.Of(state.Accepted.Name, state.Accepted.TaskUid, scene.Scene, scene.Attempt));
            if (stores.Leases.Find(key) is { Metadata: { DeletionTimestamp: null, Uid: { } uid, OwnerReferences: { } owners } }
                && owners.Any(o => o.Uid == state.Accepted.TaskUid))
                await kubernetes.DeleteAsync<GpuLease>(key.Name, key.Namespace, DeleteOptions.ForUid(uid), cancel);
        }
    }

    async Task<SceneStepResult> WithLeaseAsync(
        VideoTask task, Loaded<TaskState> loaded, SceneState scene, Engine engine, LeaderEpoch epoch, CancellationToken cancel)
    {
        var lease = await objects.EnsureLeaseAsync(task, loaded.State, scene, cancel);
        var leaseUid = lease.Metadata.Uid!;
        var held = await ledger.LoadLeaseAsync(leaseUid, cancel);
        if (held.State.Phase is LeasePhase.None or LeasePhase.Pending)
        {
            return new SceneStepResult(false, null, await WaitAsync(lease, held, cancel), held.State);
        }

        if (held.State.IsGranted)
            return await StartAsync(task, loaded, scene, engine, leaseUid, held.State, epoch, cancel);

        // The lease ended before a pod was on record: this attempt never ran.
        var returned = TaskDecider.Decide(loaded.State, new TaskCommand.Return(
            scene.Scene, scene.Attempt, null, $"its lease ended before the pod: {held.State.EndReason} {held.State.EndMessage}",
            RetryBackoff.Seconds(scene.Returns + 1, chance.NextDouble())));
        return await RecordAsync(loaded, returned, epoch, held.State, cancel);
    }

    // In the queue the last round says why; outside of it the lease's admission does.
    async Task<Obstacle> WaitAsync(GpuLease lease, Loaded<LeaseState> held, CancellationToken cancel)
    {
        if (held.State.Phase is LeasePhase.None
            && LeaseAdmission.Check(lease, stores.Pools.List(), stores.Tenants.List()).WhyNot is { } obstacle)
            return obstacle;
        return await ledger.FindWaitAsync(lease.Metadata.Uid!, cancel) is { Code: { } code, Message: { } message }
            ? new Obstacle(code, message)
            : new Obstacle("WaitingForSlot", "in the queue");
    }

    async Task<SceneStepResult> StartAsync(
        VideoTask task, Loaded<TaskState> loaded, SceneState scene, Engine engine, string? leaseUid, LeaseState? lease, LeaderEpoch epoch, CancellationToken cancel)
    {
        var grant = lease?.Grant;
        if (await objects.EnsurePodAsync(task, loaded.State, scene, engine, leaseUid, grant, cancel) is not { } pod)
            return new SceneStepResult(false, Soon, null, lease);
        var timeout = grant?.Terms.HeartbeatTimeoutSeconds ?? task.Spec.Timeouts?.HeartbeatTimeoutSeconds ?? 300;
        var started = TaskDecider.Decide(loaded.State, new TaskCommand.Start(new AttemptStarted(
            scene.Scene, scene.Attempt, pod.Metadata.Name!, pod.Metadata.Uid!, leaseUid, grant?.Token ?? 0, grant?.Slot.Node, grant?.Slot.Device)
        {
            HeartbeatTimeoutSeconds = timeout,
        }));
        return await RecordAsync(loaded, started, epoch, lease, cancel);
    }

    async Task<SceneStepResult> RecordAsync(Loaded<TaskState> loaded, Decision<ITaskEvent> decision, LeaderEpoch epoch, LeaseState? lease, CancellationToken cancel)
    {
        if (decision is not Decision<ITaskEvent>.Events { Items.Count: > 0 } events)
            return new SceneStepResult(false, Soon, null, lease);
        await ledger.CommitAsync(
            new LedgerCommit("operator", [new TaskChange(loaded.State.Accepted!.TaskUid, loaded, events.Items)], [], epoch), cancel);
        signals.Changed(loaded.State, null);
        return new SceneStepResult(true, null, null, lease);
    }

    // A pod whose attempt is over and that still runs. A worker that reported its own end leaves by itself; it gets a grace. The others are ended now.
    async Task<TimeSpan?> DeleteLeftPodsAsync(TaskState state, CancellationToken cancel)
    {
        TimeSpan? again = null;
        foreach (var pod in stores.WorkerPods.List())
        {
            if (PodObservation.AttemptOf(pod) is not { } a || a.TaskUid != state.Accepted?.TaskUid || PodObservation.EndOf(pod) is not null)
                continue;
            if (!state.IsEnded && !state.Ended.ContainsKey((a.Scene, a.Attempt)) && !IsOfLostHistory(state, a, pod))
                continue;
            again = Soon;
            if (pod.Metadata.DeletionTimestamp is not null)
                continue;
            var byWorker = state.Ended.TryGetValue((a.Scene, a.Attempt), out var end) && (end.Committed || end.ByHolder);
            if (byWorker && pod.Status?.StartTime is not null && !Overdue(a))
                continue;
            await kubernetes.DeleteAsync<Pod>(pod.Metadata.Name!, pod.Metadata.Namespace, DeleteOptions.ForUid(pod.Metadata.Uid), cancel);
        }

        return again;
    }

    // The log is always ahead of the pods that follow from it, unless its end was lost (R12): nothing on record will ever end such a pod.
    static bool IsOfLostHistory(TaskState state, (string TaskUid, int Scene, int Attempt) a, Pod pod) =>
        state.Scenes.TryGetValue(a.Scene, out var scene)
        && (a.Attempt > scene.Attempt || (a.Attempt == scene.Attempt && scene.Started is { } started && started.PodUid != pod.Metadata.Uid));

    // Local waiting only: nothing is decided by this clock but when to stop being patient.
    bool Overdue((string TaskUid, int Scene, int Attempt) attempt)
    {
        var key = $"{attempt.TaskUid}/{attempt.Scene}/{attempt.Attempt}";
        lock (_patience)
        {
            if (_patience.Count > 10_000)
                _patience.Clear();
            if (_patience.TryGetValue(key, out var since))
                return time.GetElapsedTime(since) > ExitGrace;
            _patience[key] = time.GetTimestamp();
            return false;
        }
    }
}
