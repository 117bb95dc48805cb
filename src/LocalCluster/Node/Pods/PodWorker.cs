using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Node.Volumes;
using Framelease.LocalCluster.Shim.Native;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>
/// One pod, from claim to deletion: a loop that looks at the pod and at the runtime and does what is missing (level-triggered), woken by
/// changes of either. It may be killed between any two lines; the next node's loop goes on from the same facts.
/// </summary>
sealed class PodWorker
{
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10), RetrySchedule = TimeSpan.FromSeconds(1), RetryProof = TimeSpan.FromMilliseconds(50);

    readonly NodeContext _node;
    readonly Wake _wake;
    readonly CancellationToken _stop;
    readonly Lock _gate = new();
    Pod _pod;
    bool _gone;
    int? _drainGrace;
    readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    bool _deleteSent;
    bool _restored;
    List<ContainerTrack> _init = [];
    List<ContainerTrack> _main = [];
    PodVolumes? _volumes;

    internal PodWorker(Pod pod, NodeContext node, bool gone, CancellationToken stop)
    {
        (_pod, _node, _gone, _stop) = (pod, node, gone, stop);
        _wake = new Wake(node.Time);
        Completion = RunAsync();
    }

    /// <summary>Completes when the pod is gone from the API server and from this machine, or the node stops.</summary>
    internal Task Completion { get; }

    /// <summary>True while a process of the pod may live.</summary>
    internal bool MayRun => _init.Concat(_main).Any(track => track.MayRun);

    /// <summary>A newer state of the pod; older ones are ignored, and so is the echo of what this worker wrote itself.</summary>
    internal void See(Pod pod)
    {
        if (Keep(pod))
            _wake.Set();
    }

    bool Keep(Pod pod)
    {
        lock (_gate)
        {
            if (IsOlder(pod, _pod) || pod.Metadata.ResourceVersion == _pod.Metadata.ResourceVersion)
                return false;
            _pod = pod;
            return true;
        }
    }

    /// <summary>The pod is gone from the API server: whatever still runs ends at once.</summary>
    internal void Gone()
    {
        _gone = true;
        _wake.Set();
    }

    /// <summary>The platform stops: the pod's containers end with at most this grace, and stay ended. Completes when that is reported.</summary>
    internal Task DrainAsync(int graceSeconds)
    {
        _drainGrace = graceSeconds;
        _wake.Set();
        return _drained.Task;
    }

    string Uid => _pod.Metadata.Uid!;

    async Task RunAsync()
    {
        var pause = TimeSpan.Zero;
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan? next;
            try
            {
                next = await StepAsync(_stop);
                pause = TimeSpan.Zero;
                if (_drainGrace is not null && !MayRun)
                    _drained.TrySetResult();
                if (next == Timeout.InfiniteTimeSpan)
                    return;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) // the boundary of this pod: one that fails is tried again and never takes others with it
            {
                pause = pause == TimeSpan.Zero ? TimeSpan.FromMilliseconds(100) : pause * 2 < LongestPause ? pause * 2 : LongestPause;
                Log.StepFailed(_node.Logger, _pod.Metadata.Namespace, _pod.Metadata.Name, pause.TotalMilliseconds, e.Message, e is KubernetesException ? null : e);
                next = pause;
            }
            try
            {
                await _wake.WaitAsync(next, _stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Does what can be done now. Returns when to look again; null = when something happens; infinite = all done.</summary>
    async Task<TimeSpan?> StepAsync(CancellationToken ct)
    {
        Pod pod;
        lock (_gate)
            pod = _pod;
        Restore(pod);
        if (_gone)
            return ForgetWhenOver(pod);
        var deleted = pod.Metadata.DeletionTimestamp is not null;
        if (pod.Spec?.NodeName is null)
        {
            if (deleted || _drainGrace is not null || await ClaimAsync(pod, ct) is not { } claimed)
                return RetrySchedule;
            pod = claimed;
        }
        var terminal = pod.Status?.Phase is "Succeeded" or "Failed";
        if (terminal)
            _node.Ledger.Return(Uid);
        var late = !terminal && Deadline(pod) <= _node.Time.GetUtcNow();
        var drained = !terminal && _drainGrace is not null && _main.Concat(_init).Any(track => track.State is not RunState.Absent);
        var ends = (deleted || late || drained) && !terminal;
        DateTimeOffset? due = null;
        if (ends || terminal)
            StopAll(pod, Grace(pod, late));
        else if (_drainGrace is null)
            due = await AdvanceAsync(pod, ct);
        if (_init.Concat(_main).Any(track => track.IsLost))
            return due - _node.Time.GetUtcNow();
        if (!terminal || _init.Concat(_main).Any(track => track.State is not RunState.Absent))
            pod = await PublishAsync(pod, ends, terminal, late, drained, ct);
        if (deleted && !MayRun)
            return await ConfirmDeletionAsync(pod, ct);
        if (!ends && !terminal)
            due = Earlier(due, Deadline(pod));
        return due - _node.Time.GetUtcNow();
    }

    void Restore(Pod pod)
    {
        if (_restored)
            return;
        var known = _node.Runtime.Known(Uid);
        _init = Tracks(pod.Spec?.InitContainers, restartsWhenDone: false);
        _main = Tracks(pod.Spec?.Containers, restartsWhenDone: true);
        if (pod.Spec is null) // an orphan: only its records are left to tell which containers it had
            _main = [.. known.Select(run => run.Container).Distinct()
                .Select(name => new ContainerTrack(new Container { Name = name }, Uid, _node, false))];
        if (pod.Spec?.NodeName is not null && pod.Status?.Phase is not ("Succeeded" or "Failed"))
            _node.Ledger.Take(pod);
        foreach (var track in _init.Concat(_main))
            track.Restore(pod, known, _wake.Set);
        _restored = true;

        List<ContainerTrack> Tracks(IReadOnlyList<Container>? containers, bool restartsWhenDone) =>
            [.. (containers ?? []).Select(container => new ContainerTrack(container, Uid, _node, restartsWhenDone))];
    }

    async Task<Pod?> ClaimAsync(Pod pod, CancellationToken ct)
    {
        var mismatch = (pod.Spec?.NodeSelector ?? new Dictionary<string, string>()).Any(label => _node.Labels.GetValueOrDefault(label.Key) != label.Value);
        var refusal = mismatch ? "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector." : _node.Ledger.TryTake(pod);
        if (refusal is not null)
        {
            Keep(await _node.Client.PatchStatusAsync(pod, pod with { Status = PodStatusBuilder.Unschedulable(pod, refusal, _node.Time.GetUtcNow()) }, ct: ct));
            return null;
        }
        var claim = Patch.Merge(new JsonObject { ["spec"] = new JsonObject { ["nodeName"] = _node.NodeName } }).IfVersion(pod.Metadata.ResourceVersion);
        try
        {
            pod = await _node.Client.PatchAsync<Pod>(pod.Metadata.Name!, pod.Metadata.Namespace, claim, ct: ct);
        }
        catch (KubernetesException e) when (e.IsConflict)
        {
            await RefreshAsync(ct);
            return null;
        }
        Keep(pod);
        _node.Events.Say(pod, "Normal", "Scheduled", $"Successfully assigned {pod.Metadata.Namespace}/{pod.Metadata.Name} to {_node.NodeName}");
        return pod;
    }

    async Task<DateTimeOffset?> AdvanceAsync(Pod pod, CancellationToken ct)
    {
        _volumes ??= new PodVolumes(pod, _node.Paths, _node.Client, _node.AllowedHostPaths, _node.Time);
        DateTimeOffset? due = null;
        foreach (var track in _init)
        {
            due = await track.AdvanceAsync(pod, _volumes, _wake.Set, ct);
            if (track.View(pod, true).Exit is not { ExitCode: 0 })
                return due;
        }
        foreach (var track in _main)
            due = Earlier(due, await track.AdvanceAsync(pod, _volumes, _wake.Set, ct));
        // A node that began anew has running containers, but knows no tokens yet: without them they would expire.
        if (!_volumes.Prepared && MayRun && pod.Spec?.Volumes is { Count: > 0 })
            await _volumes.PrepareAsync(ct);
        await _volumes.RenewAsync(ct);
        return Earlier(due, _volumes.RenewalDue);
    }

    void StopAll(Pod pod, int grace)
    {
        foreach (var track in _init.Concat(_main))
            track.Stop(pod, grace, _wake.Set);
    }

    async Task<Pod> PublishAsync(Pod pod, bool ends, bool terminal, bool late, bool drained, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            var view = new PodView([.. _init.Select(View)], [.. _main.Select(View)], ends,
                late ? "DeadlineExceeded" : drained ? "Terminated" : null,
                late ? "Pod was active on the node longer than the specified deadline" : drained ? "Pod was terminated because the platform stops." : null);
            try
            {
                var wish = pod with { Status = PodStatusBuilder.Build(pod, view, _node.Time.GetUtcNow()) };
                pod = await _node.Client.PatchStatusAsync(pod, wish, ifUnchanged: true, ct);
                Keep(pod);
                return pod;
            }
            catch (KubernetesException e) when (e.IsConflict && attempt < 5)
            {
                if (await RefreshAsync(ct) is not { } fresh)
                    return pod;
                pod = fresh;
            }
        }

        ContainerView View(ContainerTrack track) => track.View(pod, restarts: !ends && !terminal);
    }

    /// <summary>The pod as it is now; null, and this worker knows that it is gone, if there is none or another of its name.</summary>
    async Task<Pod?> RefreshAsync(CancellationToken ct)
    {
        var fresh = await _node.Client.FindAsync<Pod>(_pod.Metadata.Name!, _pod.Metadata.Namespace, ct);
        if (fresh?.Metadata.Uid != Uid)
        {
            Gone();
            return null;
        }
        See(fresh); // somebody else wrote: the step that is under way began with less, and the watch will bring nothing newer
        return fresh;
    }

    /// <summary>The terminated status is written by now; finalizers of others keep the object until they have read it.</summary>
    async Task<TimeSpan?> ConfirmDeletionAsync(Pod pod, CancellationToken ct)
    {
        if (_deleteSent || pod.Status?.Phase is not ("Succeeded" or "Failed"))
            return null;
        if (KillRest())
            return RetryProof;
        var options = DeleteOptions.ForUid(Uid, gracePeriodSeconds: 0);
        try
        {
            await _node.Client.DeleteAsync<Pod>(pod.Metadata.Name!, pod.Metadata.Namespace, options, ct);
        }
        catch (KubernetesException e) when (e.IsConflict)
        {
            await RefreshAsync(ct); // another pod of this name
        }
        _deleteSent = true;
        return null;
    }

    TimeSpan? ForgetWhenOver(Pod pod)
    {
        StopAll(pod, 0);
        if (MayRun)
            return RetryProof;
        if (KillRest())
            return RetryProof;
        _node.Runtime.Forget(Uid);
        _node.Ledger.Return(Uid);
        return Timeout.InfiniteTimeSpan;
    }

    /// <summary>Kills processes that carry the pod's mark though every run has ended; false when there is none.</summary>
    bool KillRest()
    {
        var left = _node.Runtime.Processes(Uid);
        foreach (var process in left)
            process.Signal(Libc.SigKill);
        return left.Count > 0;
    }

    int Grace(Pod pod, bool late)
    {
        var own = late ? 0 : (int)Math.Clamp(pod.Metadata.DeletionGracePeriodSeconds ?? pod.Spec?.TerminationGracePeriodSeconds ?? 30, 0, int.MaxValue);
        return Math.Min(own, _drainGrace ?? int.MaxValue);
    }

    static DateTimeOffset? Deadline(Pod pod) =>
        pod.Spec?.ActiveDeadlineSeconds is { } seconds && pod.Status?.StartTime is { } start ? start.AddSeconds(Math.Min(seconds, int.MaxValue)) : null;

    static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null ? a : a < b ? a : b;

    static bool IsOlder(Pod a, Pod b) =>
        ulong.TryParse(a.Metadata.ResourceVersion, out var first) && ulong.TryParse(b.Metadata.ResourceVersion, out var second) && first < second;
}
