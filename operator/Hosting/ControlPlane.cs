using Framelease.EventStore;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.ObjectStorage;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Liveness;
using Framelease.Operator.Pods;
using Framelease.Operator.Pools;
using Framelease.Operator.Tasks;
using Framelease.Resources;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;
using ObjectKey = Framelease.Kubernetes.Models.ObjectKey;

namespace Framelease.Operator.Hosting;

/// <summary>What a control plane stands on: ports to the world, and what it shares with the replica's HTTP side.</summary>
sealed record ControlPlanePorts(
    IKubernetesClient Kubernetes, ILedger Ledger, IEpochs Epochs, IEventStore Log, IObjectStore Objects, ClusterIdentity Cluster,
    AttemptService Attempts, AttemptSignals Signals);

/// <summary>
/// Everything that decides in the background, put together: stores, controllers and the watches of their leader, dispatchers. The same in a
/// process and in a simulated world (R7).
/// </summary>
sealed class ControlPlane : IDisposable
{
    /// <summary>Every lease that comes or goes changes its pool's figures, and a look reads all slots: one a second is enough for a person.</summary>
    static readonly TimeSpan PoolsSettle = TimeSpan.FromSeconds(1);

    /// <summary>Nodes, and what drivers publish of them, come and change in crowds; who waits for one waits for seconds anyway.</summary>
    static readonly TimeSpan NodesSettle = TimeSpan.FromMilliseconds(200);

    readonly ControlPlanePorts _ports;
    readonly OperatorOptions _options;
    readonly Edges _edges;
    readonly ILoggerFactory _loggers;
    readonly ILogger _log;
    readonly StoreSet _set;
    readonly LeaseService _leases;
    readonly Leader _leader = new();
    readonly DispatcherSet _dispatchers;
    readonly PlatformFinalizers _finalizers;
    readonly LogFollower _follower;
    readonly TaskDependencies _dependencies;
    readonly Controller[] _controllers;

    public ControlPlane(ControlPlanePorts ports, OperatorOptions options, Edges edges, ILoggerFactory loggers)
    {
        (_ports, _options, _edges, _loggers, _log) = (ports, options, edges, loggers, loggers.CreateLogger("Framelease.Operator"));
        _set = new StoreSet(ports.Kubernetes, edges.Time, edges.Chance, loggers.CreateLogger("Framelease.Kubernetes"));
        Stores = new PlatformStores(
            _set.Get<VideoTask>(), _set.Get<GpuLease>(), _set.Get<GpuPool>(), _set.Get<Engine>(), _set.Get<Tenant>(), _set.Get<Node>(),
            _set.Get<Pod>(WorkerPods));
        _leases = new LeaseService(ports.Ledger, ports.Signals);
        _dispatchers = new DispatcherSet(
            Stores.Pools, Stores.Tenants, ports.Ledger, _leases, ports.Log, ports.Epochs, ports.Signals, options.Identity, edges.Time,
            loggers.CreateLogger<DispatcherSet>());
        Events = new EventRecorder(
            ports.Kubernetes, new EventRecorderOptions { Controller = "framelease.dev/operator", Instance = options.Identity }, edges.Time,
            edges.NewId, _log);
        _finalizers = PlatformFinalizers.Create(ports.Kubernetes, Stores, edges.Time, Events, _log);
        _follower = new LogFollower(ports.Log, Stores, ports.Signals, edges.Time, _log);
        _dependencies = new TaskDependencies(ports.Ledger, Stores.Tasks);
        _controllers = [.. Controllers()];
    }

    public PlatformStores Stores { get; }

    /// <summary>What is told to people on the objects. Run by the caller, since nothing waits for it.</summary>
    public EventRecorder Events { get; }

    static Selection WorkerPods { get; } = new(LabelSelector: $"{ApiGroup.ManagedByLabel}={WorkerPod.ManagedBy}");

    /// <param name="beside">Started beside the controllers while this replica leads them.</param>
    /// <param name="ready">Called when every store is filled.</param>
    /// <exception cref="LeadershipLostException">A newer leader exists; the process should end and start over.</exception>
    public async Task RunAsync(Func<LeaderEpoch, CancellationToken, IReadOnlyList<Task>> beside, Action ready, CancellationToken cancel)
    {
        var watching = _set.RunAsync(cancel);
        await _set.ReadyAsync(cancel);
        ready();
        var controlling = new LeaderRole(_ports.Epochs, "controllers", _options.Identity, _edges.Time, _log).RunAsync(
            (epoch, stop) =>
            {
                _leader.Take(epoch);
                var liveness = new LivenessWatch(
                    _ports.Ledger, _ports.Attempts, _leases, _options.MassSilenceSeconds, _edges.Time,
                    _loggers.CreateLogger<LivenessWatch>());
                var release = new AuthorityRelease(
                    _ports.Ledger, _ports.Attempts, _ports.Signals, new WatchedPodsAndNodes(Stores), _edges.Time,
                    _loggers.CreateLogger<AuthorityRelease>());
                var orphans = new OrphanedTasks(
                    _ports.Ledger, _ports.Kubernetes, Stores.Tasks, _ports.Attempts, _edges.Time, _loggers.CreateLogger<OrphanedTasks>());
                return TogetherAsync(
                    [
                        .. _controllers.Select(c => c.RunAsync(stop)), liveness.RunAsync(epoch, stop), release.RunAsync(epoch, stop),
                        orphans.RunAsync(epoch, stop),
                        _follower.RunAsync(stop), .. beside(epoch, stop),
                    ],
                    stop);
            },
            cancel);
        await await Task.WhenAny(watching, controlling, _dispatchers.RunAsync(cancel));
    }

    public void Dispose()
    {
        _finalizers.Dispose();
        foreach (var controller in _controllers)
            controller.Dispose();
    }

    IEnumerable<Controller> Controllers()
    {
        var (kubernetes, ledger, attempts, signals) = (_ports.Kubernetes, _ports.Ledger, _ports.Attempts, _ports.Signals);
        var scenes = new SceneRunner(
            ledger, kubernetes, Stores, new AttemptObjects(kubernetes, _options), _ports.Objects, signals, _edges.Chance, _edges.Time);
        yield return Builder("videotask").For<VideoTask>().Owns<GpuLease>().Owns<Pod>(WorkerPods)
            .Watches<Engine>(_ => Stores.Tasks.Keys()).Watches<Tenant>(_ => Stores.Tasks.Keys()).Watches<VideoTask>(_dependencies.Dependents)
            .WatchesSource(wake => signals.TaskChanged += wake)
            .Build(new VideoTaskReconciler(
                ledger, Stores, attempts, scenes, new TaskLifetime(kubernetes, attempts), new LostEnds(ledger, _ports.Objects), signals,
                new TaskStatusWriter(kubernetes, Events), _dependencies, _finalizers, _options, _leader));
        yield return Builder("gpulease").For<GpuLease>(priority: OfLease)
            .WatchesSource(wake => signals.LeaseChanged += wake)
            .Build(new GpuLeaseReconciler(ledger, _leases, kubernetes, Stores, _finalizers, _leader));
        yield return Builder("worker-pod").For<Pod>(WorkerPods)
            .Build(new WorkerPodReconciler(
                ledger, kubernetes, Stores, attempts, _finalizers, _leader, _loggers.CreateLogger<WorkerPodReconciler>()));
        var dra = new DraInventory(kubernetes, _set);
        yield return Builder("gpupool").For<GpuPool>(when: c => c.SpecChanged)
            .Watches<Node>(_ => Stores.Pools.Keys(), when: DevicesChanged, settle: NodesSettle)
            .WatchesSource(wake => signals.PoolChanged += pool => wake(new ObjectKey(null, pool)), PoolsSettle)
            .WatchesSource(wake => dra.Changed += () => WakeAll(Stores.Pools.Keys(), wake), NodesSettle)
            .Build(new GpuPoolReconciler(ledger, _leases, kubernetes, Stores, _dispatchers, _ports.Cluster, _leader,
                new DeviceService(ledger, _log), dra));
        yield return Builder("node").For<Node>(when: NodeMayBeLost)
            .Build(new NodeReconciler(ledger, attempts, _leases, Stores, _leader));
        yield return Builder("engine").For<Engine>(when: c => c.SpecChanged).Build(new EngineReconciler(ledger, kubernetes, Stores));
        yield return Builder("tenant").For<Tenant>(when: c => c.SpecChanged).Build(new TenantReconciler(ledger, kubernetes, Stores));
    }

    static void WakeAll(IReadOnlyList<ObjectKey> keys, Action<ObjectKey> wake)
    {
        foreach (var key in keys)
            wake(key);
    }

    // A person waits for the answer to `kubectl apply`: a failed step is tried again soon.
    ControllerBuilder Builder(string name) =>
        new ControllerBuilder(name, _set).With(o => o with { LongestRetry = TimeSpan.FromSeconds(5) });

    // A loop that dies while the others run would be missed by nobody but the users: it is heard at once, and the process starts over.
    static async Task TogetherAsync(Task[] loops, CancellationToken stop)
    {
        var first = await Task.WhenAny(loops);
        if (!stop.IsCancellationRequested)
            await first;
        await Task.WhenAll(loops);
    }

    static bool NodeMayBeLost(StoreChange<Node> change) =>
        change.Kind is not StoreChangeKind.Updated
        || change.Old!.Status?.NodeInfo?.BootID != change.New!.Status?.NodeInfo?.BootID
        || (change.Old.Spec?.Taints?.Count ?? 0) != (change.New.Spec?.Taints?.Count ?? 0);

    // Each lease is written to by its reconciler two times or more; a grant must not stand behind ten thousand echoes of that.
    static WorkPriority OfLease(StoreChange<GpuLease> change) =>
        change is { SpecChanged: false, Old.Metadata: var old, New.Metadata: var now }
        && old.DeletionTimestamp == now.DeletionTimestamp && Same(old.Labels, now.Labels) && Same(old.Annotations, now.Annotations)
            ? WorkPriority.Low : WorkPriority.Normal;

    static bool DevicesChanged(StoreChange<Node> change) =>
        change.Kind is not StoreChangeKind.Updated
        || change.Old!.Spec?.Unschedulable != change.New!.Spec?.Unschedulable
        || Devices(change.Old) != Devices(change.New)
        || !Same(Extended(change.Old), Extended(change.New))
        || !Same(change.Old.Metadata.Labels, change.New.Metadata.Labels);

    static string? Devices(Node node) => node.Metadata.Annotations?.GetValueOrDefault(ApiGroup.DevicesAnnotation);

    // What device plugins offer; memory and disk are nothing that a pool counts.
    static Dictionary<string, string> Extended(Node node) =>
        (node.Status?.Allocatable ?? new Dictionary<string, string>(StringComparer.Ordinal))
            .Where(r => r.Key.Contains('/', StringComparison.Ordinal)).ToDictionary(StringComparer.Ordinal);

    static bool Same(IReadOnlyDictionary<string, string>? a, IReadOnlyDictionary<string, string>? b) =>
        (a?.Count ?? 0) == (b?.Count ?? 0)
        && (a ?? new Dictionary<string, string>(StringComparer.Ordinal)).All(x => b!.GetValueOrDefault(x.Key) == x.Value);
}
