using Framelease.Domain.Leasing;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World.Lean;

/// <summary>
/// Nodes, pods and their kubelets. Stands in for the API server's pods: creating is idempotent by name, and only a kubelet that is up
/// reports an end.
/// </summary>
sealed class LeanCluster(Scheduler simulation) : ICluster
{
    readonly SortedDictionary<string, SimPod> _pods = new(StringComparer.Ordinal);
    readonly HashSet<string> _down = [];
    readonly SimProcess _kubelets = simulation.Process("kubelets");

    public IReadOnlyCollection<SimPod> Pods => _pods.Values;

    /// <summary>Starts a worker in a pod.</summary>
    public required Action<SimPod> StartWorker { get; init; }

    public bool IsUp(string node) => !_down.Contains(node);

    public SimPod EnsurePod(string name, string node, string taskUid, int attempt, string leaseUid, SlotKey slot)
    {
        if (_pods.TryGetValue(name, out var pod))
            return pod;
        _pods[name] = pod = new SimPod($"uid-{name}", name, node, taskUid, attempt) { LeaseUid = leaseUid, Slot = slot };
        simulation.Say($"pod {name} on {node}");
        _kubelets.PostAfter(TimeSpan.FromMilliseconds(100 + simulation.Chance.Next(2000)), () => Start(pod));
        return pod;
    }

    /// <summary>SIGTERM now, SIGKILL after the grace, unless the node is away: then when it is back.</summary>
    public void Delete(SimPod pod)
    {
        if (pod.IsDeleted)
            return;
        pod.IsDeleted = true;
        simulation.Say($"pod {pod.Name} is deleted");
        _kubelets.PostAfter(TimeSpan.FromSeconds(3), () => End(pod, "killed"));
    }

    /// <summary>A worker ended by itself, or was killed.</summary>
    public void End(SimPod pod, string how)
    {
        if (pod.Terminated is not null)
            return;
        if (!IsUp(pod.Node))
        {
            _kubelets.PostAfter(TimeSpan.FromSeconds(5), () => End(pod, how));
            return;
        }

        pod.Process?.Kill();
        pod.UsesDevice = false;
        _kubelets.PostAfter(TimeSpan.FromMilliseconds(50 + simulation.Chance.Next(1000)), () => Report(pod, how));
    }

    public void NodeDies(string node)
    {
        _down.Add(node);
        simulation.Say($"node {node} dies");
        foreach (var pod in _pods.Values.Where(p => p.Node == node && p.IsRunning))
        {
            pod.Process!.Kill();
            pod.UsesDevice = false;
        }
    }

    public void NodeReturns(string node)
    {
        _down.Remove(node);
        simulation.Say($"node {node} is back");
        foreach (var pod in _pods.Values.Where(p => p.Node == node && p.HasStarted && !p.IsRunning && p.Terminated is null))
            End(pod, "gone after a restart of the node");
        foreach (var pod in _pods.Values.Where(p => p.Node == node && !p.HasStarted && p.Terminated is null))
            _kubelets.PostAfter(TimeSpan.FromSeconds(1), () => Start(pod));
    }

    void Start(SimPod pod)
    {
        if (!IsUp(pod.Node) || pod.HasStarted || pod.Terminated is not null)
            return;
        pod.HasStarted = true;
        pod.Process = simulation.Process($"worker {pod.Name}");
        simulation.Say($"worker {pod.Name} starts");
        StartWorker(pod);
    }

    void Report(SimPod pod, string how)
    {
        if (!IsUp(pod.Node))
        {
            _kubelets.PostAfter(TimeSpan.FromSeconds(5), () => Report(pod, how));
            return;
        }

        if (pod.Terminated is not null)
            return;
        pod.Terminated = how;
        simulation.Say($"kubelet of {pod.Node}: {pod.Name} terminated ({how})");
    }
}
