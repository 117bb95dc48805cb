// `framelease up` as a library: start here. One child process for each part, and nothing of our own in them.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.LocalCluster.Node;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Postgres;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Supervision;

/// <summary>
/// The whole platform on one machine: PostgreSQL, API server, node and operator as children that are started again when they die.
/// <see cref="StartAsync"/> returns when all of them serve. Pods outlive everything here except an orderly <see cref="StopAsync"/>.
/// </summary>
public sealed class LocalPlatform : IAsyncDisposable
{
    const string ApiServer = "apiserver", NodeChild = "node", Operator = "operator", NodeName = "local";
    const int UserSignal1 = 10, PreferredOperatorPort = 8788, PreferredMetricsPort = 8789;

    /// <summary>A nursery of 4 MiB instead of one as large as the processor's cache: these processes idle, side by side with ffmpeg.</summary>
    static readonly Dictionary<string, string> Lean = new() { ["DOTNET_GCgen0size"] = "0x400000" };

    readonly LocalPlatformOptions _options;
    readonly PlatformPaths _paths;
    readonly PlatformLock _lock;
    readonly Action<ComponentChange> _changed;
    readonly ILogger _logger;
    readonly TimeProvider _time;
    readonly Random _random;
    readonly ProcessWatcher _watcher = new();
    readonly HttpClient _http = Readiness.Client();
    readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Dictionary<string, ChildSupervisor> _children = [];
    readonly FreePort _apiServerPort;
    readonly FreePort _operatorPort;
    readonly FreePort _metricsPort;
    PostgresSupervisor? _postgres;
    KubernetesClient? _client;
    Task? _stopping;

    LocalPlatform(
        LocalPlatformOptions options, PlatformPaths paths, PlatformLock held, Action<ComponentChange> changed, ILogger logger, TimeProvider time,
        Random random)
    {
        (_options, _paths, _lock, _changed, _logger, _time, _random) = (options, paths, held, changed, logger, time, random);
        var ports = RunPorts.Read(paths.Run);
        _apiServerPort = Port(options.ApiServerPort, "API server", ports.ApiServer);
        _operatorPort = Port(options.OperatorPort, "operator", ports.Operator, PreferredOperatorPort);
        _metricsPort = Port(options.MetricsPort, "operator's metrics", ports.Metrics, PreferredMetricsPort);
        RunPorts.Write(paths.Run, new RunPorts(_apiServerPort.Number, _operatorPort.Number, _metricsPort.Number));
    }

    /// <summary>Kubeconfig of the administrator, for kubectl.</summary>
    public string Kubeconfig => _paths.Kubeconfig;

    /// <summary>Base address of the operator's API, without a slash at the end.</summary>
    public string OperatorUrl => $"http://127.0.0.1:{_operatorPort.Number}";

    /// <summary>Base address of the operator's /metrics, /healthz and /readyz.</summary>
    public string MetricsUrl => $"http://127.0.0.1:{_metricsPort.Number}";

    /// <summary>Address of the API server.</summary>
    public string ApiServerUrl => $"https://127.0.0.1:{_apiServerPort.Number}";

    /// <summary>For Npgsql; of the private server or the one given.</summary>
    public string PostgresConnectionString => _options.PostgresConnectionString ?? _postgres?.ConnectionString ?? "";

    /// <summary>Directory of the children's logs, <c>{name}.log</c>.</summary>
    public string LogDirectory => _paths.Logs;

    /// <summary>Completes when <see cref="StopAsync"/> is done.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Process ids of the parts that run now, by name: postgres, apiserver, node, operator.</summary>
    public IReadOnlyDictionary<string, int> ProcessIds
    {
        get
        {
            var ids = new Dictionary<string, int>();
            if (_postgres is not null)
                ids[PostgresSupervisor.Name] = _postgres.ProcessId;
            lock (_children)
                foreach (var (name, child) in _children)
                    if (child.Current is { } process)
                        ids[name] = process.Pid;
            return ids;
        }
    }

    /// <summary>
    /// Takes the directory, ends what a killed platform left on it (its pods go on and are taken up again), starts all parts and returns when
    /// they serve. On failure everything that was started is ended.
    /// </summary>
    /// <param name="changed">Called from any thread for each <see cref="ComponentChange"/>; it must be quick.</param>
    /// <exception cref="PlatformException">The directory is in use, a program is missing, or a part does not come up in time.</exception>
    public static async Task<LocalPlatform> StartAsync(
        LocalPlatformOptions options, Action<ComponentChange> changed, ILogger logger, TimeProvider time, Random random, CancellationToken ct)
    {
        if (options.Gpus is < 0 or > 64)
            throw new PlatformException($"Gpus is {options.Gpus}; allowed is 0 to 64.");
        var paths = new PlatformPaths(options.DataDirectory);
        PlatformLock held;
        try
        {
            paths.Create();
            held = PlatformLock.Take(paths.Root, time.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PlatformException($"{paths.Root} cannot be used: {e.Message} Name another directory.", e);
        }
        LocalPlatform? platform = null;
        try
        {
            await Leftovers.EndAsync(paths, [ApiServer, NodeChild, Operator], logger, time, ct);
            platform = new LocalPlatform(options, paths, held, changed, logger, time, random);
            using var timeout = new CancellationTokenSource(options.StartTimeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
            try
            {
                await platform.StartPartsAsync(both.Token);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                throw new PlatformException($"the platform did not come up within {options.StartTimeout.TotalSeconds} s; logs: {paths.Logs}");
            }
            return platform;
        }
        catch
        {
            if (platform is not null)
                await platform.StopAsync();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Ends the operator, then the pods with grace and the node, then the API server, then PostgreSQL. May be called again.</summary>
    public Task StopAsync() => _stopping ??= StopPartsAsync();

    public async ValueTask DisposeAsync() => await StopAsync();

    /// <summary>For tests: leaves the children as a SIGKILL of this process would, and gives up the lock. PostgreSQL, held by pipes, is ended.</summary>
    internal async Task AbandonAsync()
    {
        foreach (var child in _children.Values)
            await child.AbandonAsync();
        _children.Clear();
        await StopAsync();
    }

    async Task StartPartsAsync(CancellationToken ct)
    {
        ImageFileWriter.Write(_paths.Images, _options);
        // What knows nothing of each other starts side by side. All are awaited even if one fails: the stop that follows must know them.
        var postgres = StartPostgresAsync(ct);
        var apiServer = StartApiServerAsync(ct);
        await Task.WhenAll(postgres, StartNodeAsync(apiServer, ct), StartOperatorAsync(apiServer, postgres, ct));
    }

    async Task StartPostgresAsync(CancellationToken ct)
    {
        if (_options.PostgresConnectionString is not null)
            return;
        try
        {
            _postgres = await PostgresSupervisor.StartAsync(_paths.Postgres, _changed, _logger, _time, ct);
        }
        catch (PrivatePostgresException e)
        {
            throw new PlatformException(e.Message, e);
        }
    }

    async Task StartApiServerAsync(CancellationToken ct)
    {
        await StartChildAsync(ApiServerSpec(), ct);
        _client = new KubernetesClient(KubeConfig.Load(_paths.Kubeconfig), _time, _random, _logger);
        if (_options.Prepare is { } prepare)
            await prepare(_paths.Kubeconfig, ct);
    }

    async Task StartNodeAsync(Task apiServer, CancellationToken ct)
    {
        await apiServer;
        await StartChildAsync(NodeSpec(), ct);
    }

    async Task StartOperatorAsync(Task apiServer, Task postgres, CancellationToken ct)
    {
        if (!_options.StartOperator)
            return;
        await apiServer;
        await postgres;
        await StartChildAsync(OperatorSpec(), ct);
    }

    async Task StartChildAsync(ChildSpec spec, CancellationToken ct)
    {
        if (!File.Exists(spec.Program))
            throw new PlatformException($"{spec.Name}: the program {spec.Program} does not exist; build or install it beside this one");
        var child = new ChildSupervisor(spec, _paths, _watcher, _changed, _logger, _time);
        lock (_children)
            _children[spec.Name] = child;
        if (await Task.WhenAny(child.Ready, child.FirstFailure).WaitAsync(ct) == child.FirstFailure)
            throw new PlatformException($"{spec.Name} {await child.FirstFailure}; log {Path.Combine(_paths.Logs, spec.Name)}.log ends with:\n{child.LogTail}");
    }

    ChildSpec ApiServerSpec() => new(ApiServer, Program("framelease-localcluster"), ["apiserver", "--data-dir", _paths.Cluster, "--port", $"{_apiServerPort.Number}"])
    {
        Environment = Lean,
        // A file may be missing still, or be an earlier start's with another port: whoever reads it now would look for a server that is gone.
        Readiness = async ct => _paths.Kubeconfigs.All(file => Readiness.FileNames(file, ApiServerUrl)) && await Readiness.HttpAsync(_http, ApiServerUrl + "/readyz", ct),
    };

    ChildSpec NodeSpec()
    {
        var since = _time.GetUtcNow();
        return new(NodeChild, Program("framelease-localcluster"),
        [
            "node", "--data-dir", _paths.Cluster, "--kubeconfig", _paths.NodeKubeconfig, "--node-name", NodeName,
            "--images", _paths.Images, "--gpus", $"{_options.Gpus}", "--drain-grace", $"{_options.DrainGraceSeconds}",
            .. _options.AllowedHostPaths.SelectMany(path => new[] { "--allow", path }),
            .. _options.StartOperator ? new[] { "--operator-url", OperatorUrl } : [],
        ])
        {
            // It runs little code, seldom: what was compiled ahead will do, and is not counted and compiled again.
            Environment = new Dictionary<string, string>(Lean) { ["DOTNET_TieredCompilation"] = "0" },
            Readiness = ct => Readiness.NodeAsync(_client!, NodeName, since, ct),
            StopSignal = UserSignal1, // the platform stops: end the pods first
            StopTimeout = TimeSpan.FromSeconds(_options.DrainGraceSeconds + 10),
        };
    }

    ChildSpec OperatorSpec() => new(Operator, Program("framelease-operator"),
    [
        "--kubeconfig", _paths.OperatorKubeconfig, "--data-dir", _paths.Root, "--listen", OperatorUrl, "--metrics-listen", MetricsUrl,
        .. _options.OperatorArguments,
    ])
    {
        Environment = new Dictionary<string, string>(Lean) { ["FRAMELEASE_POSTGRES"] = PostgresConnectionString },
        Readiness = ct => Readiness.HttpAsync(_http, OperatorUrl + "/readyz", ct),
    };

    async Task StopPartsAsync()
    {
        foreach (var name in new[] { Operator, NodeChild, ApiServer })
        {
            if (_children.GetValueOrDefault(name) is { } child)
                await child.DisposeAsync();
            if (name == NodeChild && _children.Count > 0)
                await EndPodsAsync();
        }
        if (_postgres is not null)
            await _postgres.DisposeAsync();
        _client?.Dispose();
        _http.Dispose();
        _watcher.Dispose();
        _apiServerPort.Dispose();
        _operatorPort.Dispose();
        _metricsPort.Dispose();
        _lock.Dispose();
        _completion.TrySetResult();
    }

    /// <summary>For pods that the node could not end because it was down itself; usually there is none.</summary>
    async Task EndPodsAsync()
    {
        using var runtime = new ShimRuntime(Program("framelease-shim"), new PodPaths(_paths.Cluster), _logger, _time);
        foreach (var run in runtime.Known().Where(run => runtime.Look(run) is RunState.Active { Main: not null }))
        {
            runtime.Stop(run, 0);
            await Task.WhenAny(runtime.WaitAsync(run, CancellationToken.None), Task.Delay(TimeSpan.FromSeconds(5), _time, CancellationToken.None));
        }
    }

    string Program(string name) => Path.Combine(_options.ProgramDirectory, name);

    static FreePort Port(int? asked, string part, params int?[] wanted) =>
        asked is not { } port ? FreePort.Choose(wanted)
        : FreePort.TryTake(port) ?? throw new PlatformException($"port {port} for the {part} is taken; name another or none");
}

/// <summary>The ports of the last start: addresses that users copied stay right if nobody took them.</summary>
sealed record RunPorts(int? ApiServer, int? Operator, int? Metrics)
{
    internal static RunPorts Read(string runDirectory)
    {
        var lines = AtomicFile.TryRead(PathOf(runDirectory)) is { } text ? System.Text.Encoding.ASCII.GetString(text).Split('\n') : [];
        return new(At(lines, 0), At(lines, 1), At(lines, 2));
    }

    internal static void Write(string runDirectory, RunPorts ports) =>
        AtomicFile.Write(PathOf(runDirectory), System.Text.Encoding.ASCII.GetBytes($"{ports.ApiServer}\n{ports.Operator}\n{ports.Metrics}\n"), durable: false);

    static int? At(string[] lines, int index) => lines.Length > index && int.TryParse(lines[index], out var port) ? port : null;

    static string PathOf(string runDirectory) => Path.Combine(runDirectory, "ports");
}
