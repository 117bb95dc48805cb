using System.Security.Cryptography;
using Framelease.EventStore;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.ObjectStorage.Directories;
using Framelease.ObjectStorage.Presigning;
using Framelease.Operator.Api;
using Framelease.Operator.Attempts;
using Framelease.Operator.Authority;
using Framelease.Operator.Leadership;
using Framelease.Operator.Leases;
using Framelease.Operator.Ledger;
using Framelease.Operator.Metrics;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Notifications;
using Framelease.Operator.Pools;
using Framelease.Operator.WorkerApi;
using Framelease.Operator.Tasks;
using Framelease.Resources;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

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
        var nodes = new NodeService(ledger, new LeaseService(ledger, signals), loggers.CreateLogger<NodeService>());
        var serving = serve(
            options.Listen,
            routes =>
            {
                WorkerEndpoints.Map(routes, worker, credential, _log);
                HolderEndpoints.Map(
                    routes, holders, holderCredential, authorizer, LogFeed.OfGrants(store, signals, cancel), edges.Time, _log, cancel);
                NodeEndpoints.Map(
                    routes, nodes, new NodeAuthorizer(kubernetes, edges.Time), LogFeed.OfQuarantine(store, cancel), edges.Time, _log, cancel);
                ObjectEndpoints.Map(routes, objects, new PresignedRequestVerifier(urls), _log);
                MapApi(routes, authorizer, store, ledger, reads, center.Book, new TaskOrders(kubernetes, ledger),
                    new LeaseOrders(ledger, attempts, new LeaseService(ledger, signals), signals), cancel);
                _ready.Map(routes);
            },
            cancel);
        await startUp.RetryAsync(() => LeaveWordAsync(kubernetes, authority, cancel), cancel);
        await startUp.RetryAsync(() => PublishUrlAsync(kubernetes, publicUrl, cancel), cancel);
        Log.Serving(_log, options.Identity, publicUrl);

        var leading = LeadAsync(kubernetes, store, reads, center, cluster, authority, ledger, objects, attempts, signals, cancel);
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
        AlertBook alerts, TaskOrders tasks, LeaseOrders orders, CancellationToken stopping)
    {
        var api = new ApiRoutes(routes, _log);
        HistoryEndpoints.Map(api, ledger, authorizer);
        TaskEndpoints.Map(api, reads, ledger, tasks, () => _stores?.Engines.List(), authorizer);
        ListEndpoints.Map(api, reads, ledger, new DeviceOrders(ledger), authorizer);
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
        KubernetesClient kubernetes, PostgresEventStore store, PlatformReads reads, NotificationCenter center, ClusterIdentity cluster,
        SeenAuthority authority, PostgresLedger ledger, DirectoryObjectStore objects, AttemptService attempts, AttemptSignals signals,
        CancellationToken cancel)
    {
        var ports = new ControlPlanePorts(
            kubernetes, ledger, new PostgresEpochs(store.Epochs, cluster), store, objects, cluster, attempts, signals);
        using var plane = new ControlPlane(ports, options, edges, loggers);
        _stores = plane.Stores;
        await await Task.WhenAny(
            plane.RunAsync(Beside, _ready.Set, cancel), plane.Events.RunAsync(cancel), new ProjectionDaemon(store).RunAsync(cancel));

        // While this replica leads the controllers.
        IReadOnlyList<Task> Beside(LeaderEpoch epoch, CancellationToken stop)
        {
            var housekeeping = new Housekeeping(
                store, async c => await LeaveWordAsync(kubernetes, authority with { Position = await new PostgresAuthority(store, cluster).LastEventAsync(c) }, c),
                edges.Time, _log);
            var monitor = new PlatformMonitor(store, reads, cluster, center.TellAsync, edges.Time, _log);
            return [housekeeping.RunAsync(stop), monitor.RunAsync(epoch, stop), center.RunAsync(epoch, stop)];
        }
    }

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

    AuthorityTakeOver TakeOver(PostgresEventStore store, ClusterIdentity cluster) => new(new PostgresAuthority(store, cluster), cluster, _log, options.AdoptDatabase);

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
