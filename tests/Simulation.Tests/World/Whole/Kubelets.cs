using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pods;
using Framelease.Resources;
using Framelease.Simulation.Tests.ApiServer;
using Framelease.Simulation.Tests.Engine;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>
/// Nodes with their kubelets: start what is bound to them, end what is deleted (SIGTERM, the grace, SIGKILL), and report what ended. A node
/// that died comes back with another boot id, and reports everything of before as ended.
/// </summary>
sealed class Kubelets : ICluster
{
    static readonly ResourceRef PodKind = ResourceRef.Of<Pod>();
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    readonly SortedDictionary<string, SimPod> _pods = new(StringComparer.Ordinal);
    readonly Dictionary<string, CancellationTokenSource> _sigterms = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _boots = new(StringComparer.Ordinal);
    readonly HashSet<string> _down = [];
    readonly Scheduler _simulation;
    readonly Network _network;
    readonly ApiMachine _api;
    readonly SimProcess _process;

    public Kubelets(Scheduler simulation, Network network, ApiMachine api)
    {
        (_simulation, _network, _api, _process) = (simulation, network, api, simulation.Process("kubelets"));
        api.Server.Changed = Heard;
    }

    public IReadOnlyCollection<SimPod> Pods => _pods.Values;

    /// <summary>Starts the worker in a pod; the token is its SIGTERM.</summary>
    public required Action<SimPod, CancellationToken> StartWorker { get; init; }

    /// <summary>Whether the kubelet has what the pod asks for; it ends those that it has not, unstarted.</summary>
    public Func<SimPod, bool> Admit { get; init; } = _ => true;

    /// <summary>A program on a node's machine that is in no pod; it lives and dies with the machine.</summary>
    public void Adopt(SimPod program) => Add(program);

    public bool IsUp(string node) => !_down.Contains(node);

    public string BootId(string node) => $"{node}-boot-{_boots.GetValueOrDefault(node)}";

    public void NodeDies(string node)
    {
        _down.Add(node);
        _simulation.Say($"node {node} dies");
        foreach (var pod in _pods.Values.Where(p => p.Node == node && p.IsRunning))
            Kill(pod);
    }

    public void NodeReturns(string node)
    {
        _down.Remove(node);
        _boots[node] = _boots.GetValueOrDefault(node) + 1;
        _simulation.Say($"node {node} is back");
        _process.PostAfter(Soon(3000), () => ShowBoot(node));
        foreach (var pod in _pods.Values.Where(p => p.Node == node && p.Terminated is null).ToList())
        {
            if (pod.HasStarted)
                End(pod, 255);
            else
                _process.PostAfter(Soon(2000), () => Start(pod));
        }

        foreach (var kept in _api.Server.List(PodKind, null, LabelMatch.Of(null)))
            Heard(new ApiChange(WatchEventType.Modified, kept, 0));
    }

    /// <summary>A worker ended by itself, or was killed.</summary>
    public void End(SimPod pod, int code)
    {
        if (pod.IsDeleted)
            return;
        pod.IsDeleted = true;
        if (pod.IsRunning)
            Kill(pod);
        _process.PostAfter(Soon(1000), () => Report(pod, code));
    }

    SimPod Add(SimPod pod)
    {
        pod.Number = _pods.Count;
        return _pods[pod.Uid] = pod;
    }

    // Without the API server it hears of nothing, and reports nothing.
    bool IsAlone(string? node) => _api.IsDown || (node is not null && !_network.IsOpen(node, ApiMachine.Address));

    void Heard(ApiChange change)
    {
        if (change.Object is { } kept && kept.Resource == PodKind)
            _process.PostAfter(Soon(500), () => Sync(kept));
    }

    void Sync(KeptObject seen)
    {
        if (IsAlone(seen.As<Pod>().Spec?.NodeName))
        {
            _process.PostAfter(Retry, () => Sync(seen));
            return;
        }

        var kept = _api.Server.Find(PodKind, seen.Namespace, seen.Name);
        var pod = kept?.Uid == seen.Uid ? kept.As<Pod>() : null;
        if (pod?.Spec?.NodeName is not { } node || _down.Contains(node))
            return;
        if (!_pods.TryGetValue(seen.Uid, out var truth))
        {
            var attempt = PodObservation.AttemptOf(pod)!.Value;
            truth = Add(new SimPod(seen.Uid, seen.Name, node, attempt.TaskUid, attempt.Attempt));
            _process.PostAfter(Soon(2000), () => Start(truth));
        }

        if (pod.Metadata.DeletionTimestamp is null)
            return;
        if (truth.Terminated is not null)
            LetGo(pod);
        else if (!truth.HasStarted)
            End(truth, 0);
        else
            Terminate(truth, TimeSpan.FromSeconds(pod.Metadata.DeletionGracePeriodSeconds ?? 30));
    }

    void Start(SimPod pod)
    {
        if (_down.Contains(pod.Node) || pod.HasStarted || pod.IsDeleted)
            return;
        if (!Admit(pod))
        {
            End(pod, 1);
            return;
        }

        pod.HasStarted = true;
        pod.Process = _simulation.Process($"worker {pod.Name}");
        _simulation.Say($"worker {pod.Name} starts");
        Show(pod, "Running", new JsonObject { ["running"] = new JsonObject { ["startedAt"] = Now() } });
        _sigterms[pod.Uid] = new CancellationTokenSource();
        StartWorker(pod, _sigterms[pod.Uid].Token);
    }

    void Terminate(SimPod pod, TimeSpan grace)
    {
        var sigterm = _sigterms[pod.Uid];
        if (sigterm.IsCancellationRequested || pod.IsDeleted)
            return;
        _simulation.Say($"kubelet of {pod.Node}: SIGTERM to {pod.Name}");
        pod.Process!.Post(sigterm.Cancel);
        _process.PostAfter(grace, () =>
        {
            if (!_down.Contains(pod.Node))
                End(pod, 137);
        });
    }

    static void Kill(SimPod pod)
    {
        pod.Process!.Kill();
        pod.UsesDevice = false;
    }

    void Report(SimPod pod, int code)
    {
        if (_down.Contains(pod.Node) || IsAlone(pod.Node))
        {
            _process.PostAfter(Retry, () => Report(pod, code));
            return;
        }

        pod.Terminated = pod.HasStarted ? $"exit code {code}" : "never started";
        _simulation.Say($"kubelet of {pod.Node}: {pod.Name} terminated ({pod.Terminated})");
        Show(pod, code == 0 && pod.HasStarted ? "Succeeded" : "Failed", pod.HasStarted
            ? new JsonObject { ["terminated"] = new JsonObject { ["exitCode"] = code, ["reason"] = code == 0 ? "Completed" : "Error" } }
            : new JsonObject { ["waiting"] = new JsonObject { ["reason"] = "ContainerCreating" } });
        if (Find(pod) is { IsBeingDeleted: true } kept)
            LetGo(kept.As<Pod>());
    }

    // As a kubelet does: the object may go, as far as it is concerned.
    void LetGo(Pod pod) =>
        _api.Server.Delete(PodKind, pod.Metadata.Namespace, pod.Metadata.Name!, DeleteOptions.ForUid(pod.Metadata.Uid, 0));

    KeptObject? Find(SimPod pod) =>
        _api.Server.Find(PodKind, "default", pod.Name) is { } kept && kept.Uid == pod.Uid ? kept : null;

    void Show(SimPod pod, string phase, JsonObject state)
    {
        if (IsAlone(pod.Node) || Find(pod) is null)
            return;
        _api.Server.Update(PodKind, "default", pod.Name, "status", node =>
        {
            var started = node["status"]?["startTime"]?.DeepClone() ?? Now();
            node["status"] = new JsonObject
            {
                ["phase"] = phase,
                ["startTime"] = started,
                ["containerStatuses"] = new JsonArray(new JsonObject
                {
                    ["name"] = WorkerPod.ContainerName, ["image"] = "worker", ["ready"] = phase == "Running", ["restartCount"] = 0,
                    ["state"] = state,
                }),
            };
            return node;
        });
    }

    void ShowBoot(string node)
    {
        if (IsAlone(node))
            _process.PostAfter(Retry, () => ShowBoot(node));
        else
            _api.Server.Update(ResourceRef.Of<Node>(), null, node, "status", n =>
            {
                n["status"]!["nodeInfo"]!["bootID"] = BootId(node);
                return n;
            });
    }

    JsonNode Now() => JsonValue.Create(_process.Clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null));

    TimeSpan Soon(int most) => TimeSpan.FromMilliseconds(50 + _simulation.Chance.Next(most));
}
