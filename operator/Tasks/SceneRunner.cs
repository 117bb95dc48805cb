using Framelease.Domain;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
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

/// <summary>What one pass over a task's scenes found and did.</summary>
/// <param name="Changed">Events were recorded: load the task again.</param>
/// <param name="Again">Look again after this long, even if nothing happens.</param>
/// <param name="Wait">Why the first lease that waits is not granted.</param>
/// <param name="Leases">Of the scenes that were looked at, by number.</param>
sealed record SceneStepResult(bool Changed, TimeSpan? Again, Obstacle? Wait, IReadOnlyDictionary<int, LeaseState> Leases)
{
    static readonly IReadOnlyDictionary<int, LeaseState> None = new Dictionary<int, LeaseState>();

    public static SceneStepResult Nothing { get; } = Idle(null);

    public static SceneStepResult Idle(TimeSpan? again) => new(false, again, null, None);
}

/// <summary>
/// Carries the current attempts of a task's scenes from queued to started: lease, grant, pod, record. Each scene goes its own way; what one pass
/// finds of all of them is recorded at once. Afterwards the workers and the pods' ends speak.
/// </summary>
sealed class SceneRunner(
    ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores, AttemptObjects objects, IObjectStore store, AttemptSignals signals,
    Random chance, TimeProvider time)
{
    static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    readonly Dictionary<string, long> _patience = new(StringComparer.Ordinal);

    /// <returns>What is missing, in words; null when the inputs are there, or when only the workers can tell.</returns>
    public async Task<string?> MissingInputAsync(TaskAccepted accepted, CancellationToken cancel)
    {
        var keys = Enumerable.Range(0, accepted.Scenes).Select(scene => accepted.WorkOf(scene).Input.Object).OfType<string>();
        foreach (var key in keys.Distinct(StringComparer.Ordinal))
        {
            if (await store.HeadAsync(key, cancel) is null)
                return $"the object store holds no \"{key}\", which the task takes as input; upload it first, then create the task anew";
        }

        return null;
    }

    public async Task<SceneStepResult> AdvanceAsync(VideoTask task, Loaded<TaskState> loaded, LeaderEpoch epoch, CancellationToken cancel)
    {
        var (state, again) = (loaded.State, await DeleteLeftPodsAsync(loaded.State, cancel));
        if (state.SuspendedAt is not null)
        {
            await DeleteWaitingLeasesAsync(state, cancel);
            return SceneStepResult.Idle(again);
        }

        if (await FindLostAsync(state, cancel) is { } gone)
            return SceneStepResult.Idle(again) with { Changed = await RecordAsync(loaded, state, Of(TaskDecider.Decide(state, gone)), epoch, cancel) };
        var queued = state.Scenes.Values.Where(s => s.Step is SceneStep.Queued).ToLookup(s => s.NotBefore <= loaded.DatabaseNow);
        if (queued[false].Any())
            again = Sooner(again, queued[false].Min(s => s.NotBefore) - loaded.DatabaseNow);
        if (!queued[true].Any())
            return SceneStepResult.Idle(again);
        if (stores.Engines.Find(new ObjectKey(null, state.Accepted!.Engine)) is not { } engine)
        {
            var missing = new Obstacle("EngineNotFound", $"Engine \"{state.Accepted.Engine}\" was deleted; apply it again");
            return SceneStepResult.Idle(Soon) with { Wait = missing };
        }

        var events = new List<ITaskEvent>();
        var leases = new Dictionary<int, LeaseState>();
        Obstacle? wait = null;
        foreach (var (scene, lease, held) in await LeasesAsync(task, state, queued[true], cancel))
        {
            if (held is not null)
                leases[scene.Scene] = held.State;
            if (held is { State.Phase: LeasePhase.None or LeasePhase.Pending })
            {
                wait ??= await WaitAsync(lease!, held, cancel);
                continue;
            }

            var command = held is { State.IsGranted: false } ? Return(scene, held.State)
                : await StartAsync(task, state, scene, engine, lease?.Metadata.Uid, held?.State, cancel);
            var decided = command is null ? [] : Of(TaskDecider.Decide(state, command));
            if (decided.Count == 0)
            {
                again = Sooner(again, Soon);
                continue;
            }

            events.AddRange(decided);
            state = decided.Aggregate(state, (s, e) => s.Evolve(e, loaded.DatabaseNow));
            if (state.IsEnded)
                break;
        }

        return new SceneStepResult(await RecordAsync(loaded, state, events, epoch, cancel), again, wait, leases);
    }

    static IReadOnlyList<ITaskEvent> Of(Decision<ITaskEvent> decision) => decision is Decision<ITaskEvent>.Events yes ? yes.Items : [];

    /// <returns>Whether there was something to record.</returns>
    async Task<bool> RecordAsync(
        Loaded<TaskState> loaded, TaskState state, IReadOnlyList<ITaskEvent> events, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (events.Count == 0)
            return false;
        await ledger.CommitAsync(
            new LedgerCommit("operator", [new TaskChange(state.Accepted!.TaskUid, loaded, events)], [], epoch), cancel);
        signals.Changed(state, null);
        return true;
    }

    // A pod keeps its finalizer until the end of its attempt is on record. Of one that lacks it, or is gone, the history was lost (R12), or a person
    // took it off. While a lease is held, its silence tells; without one, nobody else ever ends the attempt.
    async Task<TaskCommand?> FindLostAsync(TaskState state, CancellationToken cancel)
    {
        const string why = "its pod is gone, and no end of it is on record";
        foreach (var scene in state.Scenes.Values.Where(s => s.IsRunning))
        {
            var (started, ns) = (scene.Started!, state.Accepted!.Namespace);
            if (IsItsPod(stores.WorkerPods.Find(new ObjectKey(ns, started.PodName)), started)
                || IsItsPod(await kubernetes.FindAsync<Pod>(started.PodName, ns, cancel), started)
                || (started.LeaseUid is { } lease && !(await ledger.LoadLeaseAsync(lease, cancel)).State.IsEnded))
                continue;
            return scene.Step is SceneStep.Attached
                ? new TaskCommand.Fail(
                    new AttemptFailed(scene.Scene, scene.Attempt, started.PodUid, "HolderLost", "PodGone", why, true, null), Delay(scene.Failures))
                : new TaskCommand.Return(scene.Scene, scene.Attempt, started.PodUid, why, Delay(scene.Returns));
        }

        return null;
    }

    static bool IsItsPod(Pod? pod, AttemptStarted started) => pod?.Metadata.Uid == started.PodUid && pod.HasFinalizer(ApiGroup.PodFinalizer);

    int Delay(int before) => RetryBackoff.Seconds(before + 1, chance.NextDouble());

    /// <summary>Ends what is left of a task that has ended. <see cref="SceneStepResult.Again"/> is null once nothing is left.</summary>
    public async Task<SceneStepResult> CleanUpAsync(Loaded<TaskState> loaded, CancellationToken cancel)
    {
        // What the lost part of a history had ended is left as it is found (R12).
        if (loaded.State is { IsReadopted: false, EndReason: not LostHistory.Condition })
            await DeleteWaitingLeasesAsync(loaded.State, cancel);
        return SceneStepResult.Idle(await DeleteLeftPodsAsync(loaded.State, cancel));
    }

    // Of an attempt that had not started when its task ended, or was suspended: nobody will ever take up the grant. Its deletion gives it up, or gives back what was
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

    // Without leases, the scenes alone.
    async Task<IEnumerable<(SceneState Scene, GpuLease? Lease, Loaded<LeaseState>? Held)>> LeasesAsync(
        VideoTask task, TaskState state, IEnumerable<SceneState> scenes, CancellationToken cancel)
    {
        if (!state.Accepted!.NeedsLease)
            return scenes.Select(s => (s, (GpuLease?)null, (Loaded<LeaseState>?)null));
        var leases = new List<(SceneState Scene, GpuLease Lease)>();
        foreach (var scene in scenes)
            leases.Add((scene, await objects.EnsureLeaseAsync(task, state, scene, cancel)));
        var held = await ledger.LoadLeasesAsync([.. leases.Select(l => l.Lease.Metadata.Uid!)], cancel);
        return leases.Zip(held, (l, h) => (l.Scene, (GpuLease?)l.Lease, (Loaded<LeaseState>?)h));
    }

    // The lease ended before a pod was on record: this attempt never ran.
    TaskCommand.Return Return(SceneState scene, LeaseState lease) => new(
        scene.Scene, scene.Attempt, null, $"its lease ended before the pod: {lease.EndReason} {lease.EndMessage}",
        Delay(scene.Returns));

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

    /// <returns>Null while something of the same name is in the way.</returns>
    async Task<TaskCommand?> StartAsync(
        VideoTask task, TaskState state, SceneState scene, Engine engine, string? leaseUid, LeaseState? lease, CancellationToken cancel)
    {
        var grant = lease?.Grant;
        if (await objects.EnsurePodAsync(task, state, scene, engine, leaseUid, grant, cancel) is not { } pod)
            return null;
        var timeout = grant?.Terms.HeartbeatTimeoutSeconds ?? task.Spec.Timeouts?.HeartbeatTimeoutSeconds ?? 300;
        return new TaskCommand.Start(new AttemptStarted(
            scene.Scene, scene.Attempt, pod.Metadata.Name!, pod.Metadata.Uid!, leaseUid, grant?.Token ?? 0, grant?.Slot.Node, grant?.Slot.Device)
        {
            HeartbeatTimeoutSeconds = timeout,
        });
    }

    static TimeSpan Sooner(TimeSpan? one, TimeSpan other) => one is { } o && o < other ? o : other;

    // A pod whose attempt is over and that still runs. A worker that reported its own end leaves by itself; it gets a grace. The others are ended now.
    async Task<TimeSpan?> DeleteLeftPodsAsync(TaskState state, CancellationToken cancel)
    {
        TimeSpan? again = null;
        foreach (var pod in stores.WorkerPods.List())
        {
            if (PodObservation.AttemptOf(pod) is not { } a || a.TaskUid != state.Accepted?.TaskUid || PodObservation.EndOf(pod) is not null)
                continue;
            if (!state.IsEnded && !state.Ended.ContainsKey((a.Scene, a.Attempt)) && !IsOfLostHistory(state, a, pod) && !IsUnwanted(state, a))
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

    // Made just before the task was suspended, and not on record.
    static bool IsUnwanted(TaskState state, (string TaskUid, int Scene, int Attempt) a) => state.SuspendedAt is not null
        && state.Scenes.TryGetValue(a.Scene, out var scene) && scene.Attempt == a.Attempt && scene.Step is SceneStep.Queued;

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
