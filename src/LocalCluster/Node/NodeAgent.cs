using System.Collections.Concurrent;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.LocalCluster.Node.Pods;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary>Gives every pod that is this node's, or may become so, its worker; ends what is on disk but no longer in the API server.</summary>
sealed class NodeAgent(NodeContext node, Store<Pod> pods)
{
    readonly ConcurrentDictionary<string, PodWorker> _workers = new();
    readonly CancellationTokenSource _stop = new();
    int? _drainGrace;

    /// <summary>Runs until cancelled; then stops looking after the pods and leaves them running.</summary>
    internal async Task RunAsync(CancellationToken ct)
    {
        try
        {
            // Only the whole list can tell which of the pods on disk are no longer wanted.
            await pods.Ready.WaitAsync(ct);
            using var subscription = pods.Subscribe(See);
            var wanted = pods.List().Select(pod => pod.Metadata.Uid).ToHashSet();
            foreach (var uid in node.Runtime.Known().Select(run => run.PodUid).Distinct())
                if (!wanted.Contains(uid))
                {
                    Log.EndingOrphan(node.Logger, uid);
                    Add(new Pod { Metadata = new() { Uid = uid, Name = uid } }, gone: true);
                }
            await Task.Delay(Timeout.InfiniteTimeSpan, node.Time, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_workers.Values.Select(worker => worker.Completion));
        }
    }

    /// <summary>Ends every pod with at most this grace and reports it; for the stop of the whole platform.</summary>
    internal Task DrainAsync(int graceSeconds)
    {
        _drainGrace = graceSeconds;
        return Task.WhenAll(_workers.Values.Select(worker => worker.DrainAsync(graceSeconds)));
    }

    void See(StoreChange<Pod> change)
    {
        var pod = change.Object;
        if (pod.Metadata.Uid is not { } uid || pod.Spec?.NodeName is { } bound && bound != node.NodeName)
            return;
        if (change.Kind == StoreChangeKind.Deleted)
        {
            if (_workers.TryGetValue(uid, out var worker))
                worker.Gone();
            return;
        }
        // A pod of this name that was replaced between two lists: the old one is gone although nobody said so.
        if (change.Old is { Metadata.Uid: { } before } && before != uid && _workers.TryGetValue(before, out var replaced))
            replaced.Gone();
        if (_workers.TryGetValue(uid, out var known))
            known.See(pod);
        else
            Add(pod, gone: false);
    }

    void Add(Pod pod, bool gone)
    {
        var worker = new PodWorker(pod, node, gone, _stop.Token);
        _workers[pod.Metadata.Uid!] = worker;
        if (_drainGrace is { } grace)
            _ = worker.DrainAsync(grace);
        _ = RemoveWhenOverAsync(pod.Metadata.Uid!, worker);
    }

    async Task RemoveWhenOverAsync(string uid, PodWorker worker)
    {
        await worker.Completion;
        _workers.TryRemove(uid, out _);
    }
}
