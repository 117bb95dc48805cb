using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli;
using Framelease.Cli.Leases;
using Framelease.Cli.Processes;
using Framelease.GpuWorker.Api;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;
using Framelease.LocalCluster.Postgres;
using Framelease.Resources;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Benchmarks.Leases;

/// <summary>
/// The shipped operator as a process, on a PostgreSQL of its own and an API server: the one of FRAMELEASE_TEST_KUBECONFIG, else the
/// embedded one. Nodes are objects only: no kubelet stands behind them.
/// </summary>
sealed class LeasePlatform : IAsyncDisposable
{
    public const string Pool = "bench";

    readonly List<Process> _processes = [];
    readonly List<HttpClient> _connections = [];
    readonly Cli.Shell _shell;
    PrivatePostgres? _postgres;
    string _token = "";

    LeasePlatform(Cli.Shell shell) => _shell = shell;

    public KubernetesClient Client { get; private set; } = null!;

    public string Postgres => _postgres!.ConnectionString;

    public string ServerName { get; private set; } = "";

    public int OperatorPid => _processes[^1].Id;

    /// <summary>Of the operator: <c>/worker/v1</c> and <c>/api/v1</c>.</summary>
    public Uri Api { get; private set; } = null!;

    public static async Task<LeasePlatform> StartAsync(string directory, string programs, Cli.Shell shell, CancellationToken ct)
    {
        var platform = new LeasePlatform(shell);
        try
        {
            await platform.UpAsync(Directory.CreateDirectory(Path.Combine(directory, "platform")).FullName, programs, ct);
            return platform;
        }
        catch
        {
            await platform.DisposeAsync();
            throw;
        }
    }

    /// <summary>A node of the pool with so many devices.</summary>
    public Task AddNodeAsync(string name, int devices, CancellationToken ct)
    {
        var list = new JsonArray([.. Enumerable.Range(0, devices).Select(i => new JsonObject
        {
            ["id"] = $"{name}-gpu-{i}", ["index"] = i, ["name"] = "bench", ["memoryMiB"] = 24_000, ["kind"] = "Gpu",
        })]);
        return Client.CreateAsync(
            new Node
            {
                Metadata = new()
                {
                    Name = name,
                    Labels = Selector(), Annotations = Map(ApiGroup.DevicesAnnotation, list.ToJsonString()),
                },
            },
            ct);
    }

    /// <summary>A holder on a connection of its own, as every process has one.</summary>
    public BenchHolder NewHolder(string leaseUid)
    {
        var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = Api, Timeout = Timeout.InfiniteTimeSpan };
        lock (_connections)
            _connections.Add(http);
        return new BenchHolder(new HolderApi(new ProtocolClient(http, _shell.Time), () => _token), leaseUid, _shell.NewId());
    }

    public GpuLease NewLease(string name) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new() { Pool = Pool, MaxWaitSeconds = 0 },
    };

    public async ValueTask DisposeAsync()
    {
        _connections.ForEach(c => c.Dispose());
        Client?.Dispose();
        foreach (var process in Enumerable.Reverse(_processes))
        {
            Signals.Send(process.Id, Signals.Term);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }

    async Task UpAsync(string directory, string programs, CancellationToken ct)
    {
        _postgres = await PrivatePostgres.StartAsync(
            new(Path.Combine(directory, "pg")) { MaxConnections = 60 }, NullLogger.Instance, _shell.Time, ct);
        var given = _shell.Environment("FRAMELEASE_TEST_KUBECONFIG");
        ServerName = given is null ? "embedded API server" : "the API server of FRAMELEASE_TEST_KUBECONFIG";
        var kubeconfig = given ?? await StartApiServerAsync(directory, programs, ct);
        var options = KubeConfig.Load(kubeconfig);
        _token = options.Token ?? throw new CliException($"{kubeconfig} has no bearer token, which holders need");
        Client = new KubernetesClient(options, _shell.Time, _shell.Random);
        foreach (var kind in CustomResources.All)
            await Client.ServerSideApplyAsync(CrdGenerator.Generate(kind), "bench", force: true, ct: ct);
        await AskUntilAsync(() => Client.ListAsync<GpuPool>(ct: ct), ct);
        await EnsureNamespaceAsync(ct);
        await Client.CreateAsync(new Tenant { Metadata = new() { Name = "bench" }, Spec = new() { Namespaces = ["default"] } }, ct);
        await Client.CreateAsync(
            new GpuPool
            {
                Metadata = new() { Name = Pool },
                Spec = new() { NodeSelector = Selector() },
            },
            ct);
        await StartOperatorAsync(directory, programs, kubeconfig, ct);
    }

    // As the chart makes it on a cluster: where the operator leaves word.
    async Task EnsureNamespaceAsync(CancellationToken ct)
    {
        try
        {
            await Client.CreateAsync(new Namespace { Metadata = new() { Name = "framelease-system" } }, ct);
        }
        catch (KubernetesException e) when (e.IsAlreadyExists)
        {
            // the embedded API server has it from the beginning
        }
    }

    async Task<string> StartApiServerAsync(string directory, string programs, CancellationToken ct)
    {
        var process = Start(
            Path.Combine(programs, "framelease-localcluster"),
            ["apiserver", "--data-dir", Path.Combine(directory, "cluster"), "--port", "0"], directory);
        _ = process.StandardError.ReadToEndAsync(ct);
        var line = await process.StandardOutput.ReadLineAsync(ct) ?? throw new CliException("the embedded API server did not start");
        return line[(line.IndexOf("kubeconfig=", StringComparison.Ordinal) + "kubeconfig=".Length)..];
    }

    // The operator says nothing when it is ready; its readiness probe does.
    async Task StartOperatorAsync(string directory, string programs, string kubeconfig, CancellationToken ct)
    {
        var (api, metrics) = (FreePort(), FreePort());
        var process = Start(
            Path.Combine(programs, "framelease-operator"),
            [
                "--kubeconfig", kubeconfig, "--data-dir", directory, "--identity", "bench",
                "--listen", $"http://127.0.0.1:{api}", "--metrics-listen", $"http://127.0.0.1:{metrics}",
            ],
            directory);
        var log = Path.Combine(directory, "operator.log");
        _ = CopyAsync(process.StandardError, log);
        _ = CopyAsync(process.StandardOutput, log + ".out");
        Api = new Uri($"http://127.0.0.1:{api}");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{metrics}") };
        await AskUntilAsync(
            async () =>
            {
                if (process.HasExited)
                    throw new CliException(
                        $"the operator ended: {(await File.ReadAllLinesAsync(log, ct)).LastOrDefault(l => l.Length > 0)}");
                var answer = await http.GetAsync("/readyz", ct);
                return answer.IsSuccessStatusCode
                    ? true
                    : throw new HttpRequestException($"the operator is not ready: {await answer.Content.ReadAsStringAsync(ct)} ({log})");
            },
            ct);
    }

    async Task AskUntilAsync<T>(Func<Task<T>> ask, CancellationToken ct)
    {
        var started = _shell.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await ask();
                return;
            }
            catch (Exception e) when (
                e is HttpRequestException or KubernetesException && _shell.Time.GetElapsedTime(started) < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), _shell.Time, ct);
            }
        }
    }

    Process Start(string program, IEnumerable<string> arguments, string directory)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = directory,
        };
        start.Environment["FRAMELEASE_POSTGRES"] = Postgres;
        var process = Process.Start(start) ?? throw new CliException($"{program} did not start");
        _processes.Add(process);
        return process;
    }

    static Dictionary<string, string> Selector() => Map(ApiGroup.Name + "/pool", Pool);

    static Dictionary<string, string> Map(string key, string value) => new(StringComparer.Ordinal) { [key] = value };

    /// <summary>Of the loopback; somebody else may take it before it is used.</summary>
    public static string FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    static async Task CopyAsync(StreamReader reader, string file)
    {
        await using var writer = new StreamWriter(file) { AutoFlush = true };
        while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            await writer.WriteLineAsync(line);
    }
}
