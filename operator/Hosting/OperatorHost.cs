using System.Security.Cryptography;
using Framelease.EventStore;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.ObjectStorage.Directories;
using Framelease.ObjectStorage.Presigning;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Liveness;
using Framelease.Operator.Metrics;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications;
using Framelease.Operator.Pods;
using Framelease.Operator.Pools;
using Framelease.Operator.Tasks;
using Framelease.Operator.WorkerApi;
using Framelease.Resources;

namespace Framelease.Operator.Hosting;

/// <summary>Puts the operator together and runs it: the HTTP API on every replica, controllers and dispatchers on the leader of each role.</summary>
sealed class OperatorHost(OperatorOptions options, Edges edges, ILoggerFactory loggers)
{
    readonly ILogger _log = loggers.CreateLogger("Framelease.Operator");
    readonly Readiness _ready = new();
    PlatformStores? _stores;

    /// <returns>The exit code: 0 after a clean stop, 1 when leadership was lost and the process must start over.</returns>
    /// <param name="serve">Serves routes on a URL until cancelled.</param>
    public async Task<int> RunAsync(Func<string, Action<IEndpointRouteBuilder>, CancellationToken, Task> serve, CancellationToken cancel)
    {
        using var process = new ProcessMetrics();
        using var meters = new MeterSource();
        PlatformMetrics.Announce();
        using var kubernetes = new KubernetesClient(KubeConfig.Load(options.Kubeconfig), edges.Time, edges.Chance, loggers.CreateLogger("Framelease.Kubernetes"));
        await using var store = Store(requireAuthority: true);
        var reads = new PlatformReads(store);
        // First of all: health and metrics answer while the rest still waits for the database.
        var metrics = new MetricsEndpoint(
            [meters, new StateSource(reads, () => _stores?.Leases.List()), new StatisticsSource(reads, Existing)], _ready, edges.Time, _log);
        var servingMetrics = serve(options.MetricsListen, metrics.Map, cancel);
        var startUp = new StartUp(edges.Time, _log);
        var cluster = await startUp.RetryAsync(() => ClusterUidAsync(kubernetes, cancel), cancel);
        var authority = await startUp.RetryAsync(() => PrepareDatabaseAsync(kubernetes, cluster, cancel), cancel);
        var ledger = new PostgresLedger(store, store, cluster);
        var credentialKey = await startUp.RetryAsync(() => ledger.SigningKeyAsync("attempt-credential", edges.NewKey(), cancel), cancel);
        var objectKey = await startUp.RetryAsync(() => ledger.SigningKeyAsync("object-url", edges.NewKey(), cancel), cancel);

        var publicUrl = options.PublicUrl ?? options.Listen;
        var urls = new PresignedUrls(() => new Uri($"{publicUrl.TrimEnd('/')}/objects/v1/"), [objectKey], edges.Time);
        var objects = new DirectoryObjectStore(options.ObjectRoot, urls, edges.Time, edges.NewId);
        using var center = new NotificationCenter(store, cluster, options.Notifications, edges, _log);
        var signals = new AttemptSignals();
        var attempts = new AttemptService(ledger, edges.Chance, signals);
        var credential = new AttemptCredential(credentialKey);
        var worker = new WorkerService(
            ledger, attempts, new AssignmentBuilder(ledger, kubernetes, objects, options), kubernetes, objects, credential, loggers.CreateLogger<WorkerService>());
        var authorizer = new Authorizer(kubernetes, edges.Time);
        var holderCredential = new HolderCredential(credentialKey);
        var holders = new HolderService(
            ledger, new LeaseService(ledger, signals), signals, kubernetes, holderCredential, loggers.CreateLogger<HolderService>());
        var serving = serve(
            options.Listen,
            routes =>
            {
                WorkerEndpoints.Map(routes, worker, credential, _log);
                HolderEndpoints.Map(routes, holders, holderCredential, authorizer, _log);
                ObjectEndpoints.Map(routes, objects, new PresignedRequestVerifier(urls), _log);
                MapApi(routes, authorizer, store, ledger, reads, center.Book,
                    new LeaseOrders(ledger, attempts, new LeaseService(ledger, signals), signals), cancel);
                _ready.Map(routes);
            },
            cancel);
        await startUp.RetryAsync(() => LeaveWordAsync(kubernetes, authority, cancel), cancel);
        await startUp.RetryAsync(() => PublishUrlAsync(kubernetes, publicUrl, cancel), cancel);
        Log.Serving(_log, options.Identity, publicUrl);

        var stores = new StoreSet(kubernetes, edges.Time, edges.Chance, loggers.CreateLogger("Framelease.Kubernetes"));
        var leading = LeadAsync(kubernetes, stores, store, reads, center, cluster, authority, ledger, objects, attempts, signals, cancel);
        var running = new[] { servingMetrics, serving, leading };
        try
        {
            await await Task.WhenAny(running);
            return 0;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Requests that are under way get their answers, and streams their last word.
            await Task.WhenAll(servingMetrics, serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return 0;
        }
        catch (LeadershipLostException e)
        {
            Log.LeadershipLost(_log, e.Message);
            return 1;
        }
    }

    void MapApi(
        IEndpointRouteBuilder routes, Authorizer authorizer, PostgresEventStore store, PostgresLedger ledger, PlatformReads reads,
        AlertBook alerts, LeaseOrders orders, CancellationToken stopping)
    {
        var api = new ApiRoutes(routes, _log);
        HistoryEndpoints.Map(api, ledger, authorizer);
        ListEndpoints.Map(api, reads, ledger, authorizer);
        MonitoringEndpoints.Map(api, new MonitoringService(reads), reads, orders, authorizer);
        AlertEndpoints.Map(api, alerts, authorizer);
        new EventStreamEndpoint(store, authorizer, options.EventStreams, edges.Time, stopping).Map(api);
        OpenApiDocument.Map(routes, api);
    }

    IEnumerable<string> Existing(string label) =>
        label switch
        {
            "pool" or "scope" => _stores?.Pools.Keys().Select(k => k.Name),
            "engine" => _stores?.Engines.Keys().Select(k => k.Name),
            _ => null,
        } ?? [];

    async Task LeadAsync(
        KubernetesClient kubernetes, StoreSet storeSet, PostgresEventStore store, PlatformReads reads, NotificationCenter center,
        ClusterIdentity cluster, SeenAuthority authority,
        PostgresLedger ledger, DirectoryObjectStore objects,
        AttemptService attempts, AttemptSignals signals, CancellationToken cancel)
    {
        var workerPods = new Selection(LabelSelector: $"{ApiGroup.ManagedByLabel}={WorkerPod.ManagedBy}");
        var stores = _stores = new PlatformStores(
            storeSet.Get<VideoTask>(), storeSet.Get<GpuLease>(), storeSet.Get<GpuPool>(), storeSet.Get<Engine>(), storeSet.Get<Tenant>(), storeSet.Get<Node>(),
            storeSet.Get<Pod>(workerPods));
        var epochs = new PostgresEpochs(store.Epochs, cluster);
        var leases = new LeaseService(ledger, signals);
        var leader = new Leader();
        var dispatchers = new DispatcherSet(
            stores.Pools, stores.Tenants, ledger, leases, store, epochs, signals, options.Identity, edges.Time,
                loggers.CreateLogger<DispatcherSet>());
        var events = new EventRecorder(
            kubernetes, new EventRecorderOptions { Controller = "framelease.dev/operator", Instance = options.Identity }, edges.Time, edges.NewId, _log);
        using var finalizers = PlatformFinalizers.Create(kubernetes, stores, edges.Time, events, _log);
        var scenes = new SceneRunner(
            ledger, kubernetes, stores, new AttemptObjects(kubernetes, options), objects, signals, edges.Chance, edges.Time);
        Controller[] controllers =
        [
            new ControllerBuilder("videotask", storeSet).With(Quick).For<VideoTask>().Owns<GpuLease>().Owns<Pod>(workerPods)
                .Watches<Engine>(_ => stores.Tasks.Keys()).Watches<Tenant>(_ => stores.Tasks.Keys())
                .WatchesSource(wake => signals.TaskChanged += wake)
                .Build(new VideoTaskReconciler(
                    ledger, stores, attempts, scenes, signals, new TaskStatusWriter(kubernetes, events), finalizers, options, leader)),
            new ControllerBuilder("gpulease", storeSet).With(Quick).For<GpuLease>()
                .WatchesSource(wake => signals.LeaseChanged += wake)
                .Build(new GpuLeaseReconciler(ledger, leases, kubernetes, stores, finalizers, leader)),
            new ControllerBuilder("worker-pod", storeSet).With(Quick).For<Pod>(workerPods)
                .Build(new WorkerPodReconciler(ledger, stores, attempts, finalizers, leader, loggers.CreateLogger<WorkerPodReconciler>())),
            new ControllerBuilder("gpupool", storeSet).With(Quick).For<GpuPool>(when: c => c.SpecChanged)
                .Watches<Node>(_ => stores.Pools.Keys(), when: DevicesChanged)
                .WatchesSource(wake => signals.PoolChanged += pool => wake(new ObjectKey(null, pool)))
                .Build(new GpuPoolReconciler(ledger, leases, kubernetes, stores, dispatchers, cluster, leader)),
            new ControllerBuilder("node", storeSet).With(Quick).For<Node>(when: NodeMayBeLost)
                .Build(new NodeReconciler(ledger, attempts, leases, stores, leader)),
            new ControllerBuilder("engine", storeSet).With(Quick).For<Engine>(when: c => c.SpecChanged).Build(new EngineReconciler(ledger, kubernetes, stores)),
            new ControllerBuilder("tenant", storeSet).With(Quick).For<Tenant>(when: c => c.SpecChanged).Build(new TenantReconciler(ledger, kubernetes, stores)),
        ];
        var watching = storeSet.RunAsync(cancel);
        await storeSet.ReadyAsync(cancel);
        _ready.Set();
        var controlling = new LeaderRole(epochs, "controllers", options.Identity, edges.Time, _log).RunAsync(
            (epoch, stop) =>
            {
                leader.Take(epoch);
                var liveness = new LivenessWatch(ledger, attempts, leases, edges.Time, loggers.CreateLogger<LivenessWatch>());
                var release = new AuthorityRelease(
                    ledger, attempts, signals, new WatchedPodsAndNodes(stores), edges.Time, loggers.CreateLogger<AuthorityRelease>());
                var housekeeping = new Housekeeping(
                    store, async c => await LeaveWordAsync(kubernetes, authority with { Position = await TakeOver(store, cluster).LastEventAsync(c) }, c),
                    edges.Time, _log);
                var monitor = new PlatformMonitor(store, reads, cluster, center.TellAsync, edges.Time, _log);
                return TogetherAsync(
                    [
                        .. controllers.Select(c => c.RunAsync(stop)), liveness.RunAsync(epoch, stop), release.RunAsync(epoch, stop),
                        housekeeping.RunAsync(stop), monitor.RunAsync(epoch, stop), center.RunAsync(epoch, stop),
                    ],
                    stop);
            },
            cancel);
        await await Task.WhenAny(
            watching, controlling, dispatchers.RunAsync(cancel), events.RunAsync(cancel), new ProjectionDaemon(store).RunAsync(cancel));
    }

    // A loop that dies while the others run would be missed by nobody but the users: it is heard at once, and the process starts over.
    static async Task TogetherAsync(Task[] loops, CancellationToken stop)
    {
        var first = await Task.WhenAny(loops);
        if (!stop.IsCancellationRequested)
            await first;
        await Task.WhenAll(loops);
    }

    // A person waits for the answer to `kubectl apply`: a failed step is tried again soon.
    static ControllerOptions Quick(ControllerOptions o) => o with { LongestRetry = TimeSpan.FromSeconds(5) };

    static bool NodeMayBeLost(StoreChange<Node> change) =>
        change.Kind is not StoreChangeKind.Updated
        || change.Old!.Status?.NodeInfo?.BootID != change.New!.Status?.NodeInfo?.BootID
        || (change.Old.Spec?.Taints?.Count ?? 0) != (change.New.Spec?.Taints?.Count ?? 0);

    static bool DevicesChanged(StoreChange<Node> change) =>
        change.Kind is not StoreChangeKind.Updated
        || change.Old!.Spec?.Unschedulable != change.New!.Spec?.Unschedulable
        || change.Old!.Metadata.Annotations?.GetValueOrDefault(ApiGroup.DevicesAnnotation) != change.New!.Metadata.Annotations?.GetValueOrDefault(ApiGroup.DevicesAnnotation)
        || !Same(change.Old.Metadata.Labels, change.New.Metadata.Labels);

    static bool Same(IReadOnlyDictionary<string, string>? a, IReadOnlyDictionary<string, string>? b) =>
        (a?.Count ?? 0) == (b?.Count ?? 0) && (a ?? new Dictionary<string, string>(StringComparer.Ordinal)).All(x => b!.GetValueOrDefault(x.Key) == x.Value);

    static async Task<ClusterIdentity> ClusterUidAsync(KubernetesClient kubernetes, CancellationToken cancel) =>
        new((await kubernetes.GetAsync<Namespace>("kube-system", null, cancel)).Metadata.Uid!);

    PostgresEventStore Store(bool requireAuthority) => new(
        new EventStoreOptions
        {
            ConnectionString = options.Postgres, NewId = edges.NewId, RequireAuthority = requireAuthority, MaxPoolSize = options.DatabaseConnections,
            Replicas = options.Replicas, Projections = Projections.All,
            ConfigureDataSource = b => b.Name = b.ConnectionStringBuilder.ApplicationName,
        },
        EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default))), edges.Time, loggers);

    AuthorityTakeOver TakeOver(PostgresEventStore store, ClusterIdentity cluster) => new(store, cluster, _log, options.AdoptDatabase);

    // Schema first, then authority (R12): nothing else is asked of the database before both are settled.
    async Task<SeenAuthority> PrepareDatabaseAsync(KubernetesClient kubernetes, ClusterIdentity cluster, CancellationToken cancel)
    {
        await using var store = Store(requireAuthority: false);
        await store.MigrateAsync(cancel, SchemaScripts.FromAssembly(typeof(OperatorHost).Assembly, "Framelease.Operator.Sql"),
            Statistics.Schema);
        var witness = await AuthorityWitness.ReadAsync(kubernetes, options.Namespace, cancel);
        return await TakeOver(store, cluster).EnsureAsync(witness, cancel);
    }

    async Task<bool> LeaveWordAsync(KubernetesClient kubernetes, SeenAuthority authority, CancellationToken cancel)
    {
        await AuthorityWitness.PublishAsync(kubernetes, options.Namespace, authority, cancel);
        return true;
    }

    // So that `framelease history` and people find the API with nothing but a kubeconfig.
    async Task<bool> PublishUrlAsync(KubernetesClient kubernetes, string url, CancellationToken cancel)
    {
        var wish = new ConfigMap
        {
            Metadata = new ObjectMeta { Name = "framelease-operator", Namespace = options.Namespace },
            Data = new Dictionary<string, string>(StringComparer.Ordinal) { ["url"] = url },
        };
        try
        {
            await kubernetes.CreateAsync(wish, cancel);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            await kubernetes.PatchAsync<ConfigMap>(wish.Metadata.Name, wish.Metadata.Namespace, Patch.Merge(new { data = wish.Data }), ct: cancel);
        }

        return true;
    }
}
