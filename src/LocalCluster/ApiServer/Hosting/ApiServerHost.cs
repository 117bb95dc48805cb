using System.Net;
using System.Net.Sockets;
using System.Text;
using Framelease.LocalCluster.ApiServer.Auth;
using Framelease.LocalCluster.ApiServer.Bootstrap;
using Framelease.LocalCluster.ApiServer.Builtin;
using Framelease.LocalCluster.ApiServer.Crd;
using Framelease.LocalCluster.ApiServer.Discovery;
using Framelease.LocalCluster.ApiServer.Gc;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.ManagedFields;
using Framelease.LocalCluster.ApiServer.OpenApi;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Hosting;

/// <summary>The parts of one API server, put together: open, start, run until told to stop, stop.</summary>
sealed class ApiServerHost : IAsyncDisposable
{
    readonly DataDirectory _directory;
    readonly ObjectStore _store;
    readonly ServiceAccountTokens _tokens;
    readonly CancellationTokenSource _stopping = new();
    readonly List<Task> _loops = [];
    readonly ObjectOperations _operations;
    readonly ResourceRegistry _registry;
    readonly KestrelListener _listener;

    ApiServerHost(DataDirectory directory, ApiServerOptions options, TimeProvider time, Func<Guid> newId, Random random, ILogger log)
    {
        _directory = directory;
        var certificate = ServingCertificate.LoadOrCreate(directory, options.Address, time.GetUtcNow());
        var identities = Identities.LoadOrCreate(directory);
        _store = ObjectStore.Open(directory.Objects, log);
        _tokens = ServiceAccountTokens.LoadOrCreate(directory, _store, time, newId);
        _registry = new ResourceRegistry(BuiltinTypes.Load(time, out var metadataSchema));
        var fields = new FieldManager(_registry.Table.FindStore("namespaces")!.Schema!.Property("metadata")!, time);
        _operations = new ObjectOperations(_store, fields, time, newId, new NameGenerator(random));

        var crds = new CrdTypes(_registry);
        crds.Load(_store.State);
        var collector = new GarbageCollector(_store, _registry, _operations, log);
        var namespaces = new NamespaceController(_store, _registry, _operations, time, log);
        var expiry = new EventExpiry(_store, _registry, _operations, time, log);
        _store.Observer = change =>
        {
            crds.Observe(change);
            collector.Observe(change);
            namespaces.Observe(change);
        };

        var authenticator = new Authenticator(identities, _tokens);
        var watches = new WatchHandler(_store, time, _stopping.Token);
        var logs = new PodLogHandler(_store, directory.PodLogs, time, _stopping.Token);
        var dispatcher = new Dispatcher(
            authenticator,
            _registry,
            new ResourceHandler(_store, _operations, new Pager(_store, time), watches, time),
            new SubresourceHandler(_store, _tokens, logs),
            new ScaleHandler(_store, _operations),
            new ReviewHandler(authenticator),
            new DiscoveryHandler(_registry, new OpenApiHandler(_registry, metadataSchema)),
            log);
        _listener = new KestrelListener(certificate.Certificate, dispatcher.HandleAsync, time, log);
        StartLoops = () => _loops.AddRange([collector.RunAsync(_stopping.Token), namespaces.RunAsync(_stopping.Token), expiry.RunAsync(_stopping.Token)]);
        WriteKubeconfigs = url =>
        {
            foreach (var identity in identities)
            {
                var path = identity.Id == "admin" ? directory.Kubeconfig : Path.Combine(directory.Kubeconfigs, $"{identity.Id}.yaml");
                DataDirectory.WritePrivate(path, Identities.Kubeconfig(identity, url, certificate.AuthorityPem));
            }
        };
    }

    Action StartLoops { get; }

    Action<string> WriteKubeconfigs { get; }

    public string Url { get; private set; } = "";

    public int ObjectCount => _store.State.All().Count();

    public long Revision => _store.State.Revision;

    /// <summary>Ends when the object store cannot go on.</summary>
    public Task<Exception> Failed => _store.Failed;

    /// <exception cref="DataDirectoryException">The directory or the port cannot be used.</exception>
    /// <exception cref="StoreCorruptException">The object log is damaged.</exception>
    public static async Task<ApiServerHost> StartAsync(
        ApiServerOptions options, TimeProvider time, Func<Guid> newId, Random random, ILogger log)
    {
        var directory = DataDirectory.Open(options.DataDirectory);
        ApiServerHost? host = null;
        try
        {
            host = new ApiServerHost(directory, options, time, newId, random, log);
            await host.StartAsync(options);
            return host;
        }
        catch
        {
            if (host is not null)
                await host.DisposeAsync();
            else
                directory.Dispose();
            throw;
        }
    }

    async Task StartAsync(ApiServerOptions options)
    {
        await FirstObjects.CreateAsync(_operations, _registry.Table, _store.State);
        var port = ChoosePort(options);
        try
        {
            port = await _listener.StartAsync(options.Address, port);
        }
        catch (IOException error)
        {
            throw new DataDirectoryException($"port {port} of {options.Address} cannot be used ({error.Message}). Clients of this data directory "
                + "know that port: free it, or choose another one with --port (0: any free one).");
        }

        DataDirectory.WritePrivate(_directory.File("port"), Encoding.ASCII.GetBytes($"{port}\n"));
        Url = options.Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"https://[{options.Address}]:{port}" : $"https://{options.Address}:{port}";
        WriteKubeconfigs(Url);
        StartLoops();
    }

    /// <summary>Clients keep the port of the first start in their kubeconfigs, so it is kept.</summary>
    int ChoosePort(ApiServerOptions options)
    {
        if (options.Port is { } asked)
            return asked;
        var file = _directory.File("port");
        return File.Exists(file) && int.TryParse(File.ReadAllText(file).Trim(), out var last) ? last : 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _listener.DisposeAsync();
        foreach (var loop in _loops)
        {
            try
            {
                await loop;
            }
            catch (OperationCanceledException)
            {
                // Stopped as asked.
            }
        }

        await _store.DisposeAsync();
        _tokens.Dispose();
        _directory.Dispose();
        _stopping.Dispose();
    }
}
