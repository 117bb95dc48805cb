using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Framelease.EventStore.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Schema;
using Framelease.Operator.Hosting;
using Framelease.Resources;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Operator.Tests.Support;

/// <summary>
/// The whole operator in this process, as Program.cs puts it together, against a real PostgreSQL and the embedded API server in a process
/// of its own.
/// </summary>
sealed class OperatorUnderTest : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly string _directory = Directory.CreateTempSubdirectory("framelease-operator-test-").FullName;
    readonly CancellationTokenSource _stop = new();
    readonly Dictionary<string, string> _urls = new(StringComparer.Ordinal);
    readonly Lock _lock = new();
    Process? _apiServer;
    Task<int> _running = Task.FromResult(0);

    public KubernetesClient Client { get; private set; } = null!;

    /// <summary>Sends the administrator's token.</summary>
    public HttpClient Api { get; private set; } = null!;

    public Uri MetricsUrl { get; private set; } = null!;

    public string Postgres { get; private set; } = "";

    public static async Task<OperatorUnderTest> StartAsync(PostgresServer server, Func<OperatorOptions, OperatorOptions>? change = null)
    {
        var started = new OperatorUnderTest();
        try
        {
            await started.UpAsync(server, change ?? (o => o));
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>In order, as SIGTERM would.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client?.Dispose();
        Api?.Dispose();
        if (_apiServer is not null)
        {
            _apiServer.Kill();
            await _apiServer.WaitForExitAsync();
            _apiServer.Dispose();
        }

        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>Waits for a condition, never for a time.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> look, Func<T, bool> isMet)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            var seen = await look();
            if (isMet(seen))
                return seen;
            if (limit.IsCancellationRequested)
                throw new TimeoutException($"not met within {Patience}; seen last: {seen}");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        using var answer = await Api.GetAsync(path);
        var text = await answer.Content.ReadAsStringAsync();
        answer.IsSuccessStatusCode.ShouldBeTrue($"{path}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!;
    }

    async Task UpAsync(PostgresServer server, Func<OperatorOptions, OperatorOptions> change)
    {
        var kubeconfig = await StartApiServerAsync();
        Client = new KubernetesClient(KubeConfig.Load(kubeconfig), TimeProvider.System, new Random(1), NullLogger.Instance);
        foreach (var kind in CustomResources.All)
            await Client.CreateAsync(
                new ResourceRef("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Namespaced: false),
                CrdGenerator.Generate(kind), CancellationToken.None);
        Postgres = await server.CreateDatabaseAsync();
        var options = change(new OperatorOptions
        {
            Kubeconfig = kubeconfig, Postgres = Postgres, ObjectRoot = Path.Combine(_directory, "objects"), Listen = "http://127.0.0.1:0",
            MetricsListen = "http://127.0.0.2:0", PublicUrl = "http://127.0.0.1", Identity = "test", DatabaseConnections = 10,
        });
        _running = new OperatorHost(options, Edges.Real(), NullLoggerFactory.Instance).RunAsync(ServeAsync, _stop.Token);
        MetricsUrl = new Uri(await AddressAsync(options.MetricsListen));
        Api = new HttpClient { BaseAddress = new Uri(await AddressAsync(options.Listen)) };
        Api.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", KubeConfig.Load(kubeconfig).Token);
        using var http = new HttpClient { BaseAddress = MetricsUrl };
        await UntilAsync(
            async () =>
            {
                if (_running.IsCompleted)
                    await _running;
                using var answer = await http.GetAsync("/readyz");
                return answer.IsSuccessStatusCode;
            },
            ready => ready);
    }

    Task<string> AddressAsync(string url) => UntilAsync(
        async () =>
        {
            if (_running.IsCompleted)
                await _running;
            lock (_lock)
                return _urls.GetValueOrDefault(url) ?? "";
        },
        found => found.Length > 0);

    Task ServeAsync(string url, Action<IEndpointRouteBuilder> map, CancellationToken stop) => WebServer.ServeAsync(
        url, map, NullLoggerFactory.Instance, stop, address =>
        {
            lock (_lock)
                _urls[url] = address;
        });

    async Task<string> StartApiServerAsync()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "framelease-localcluster");
        string[] arguments = ["apiserver", "--data-dir", Path.Combine(_directory, "cluster"), "--port", "0"];
        _apiServer = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = _apiServer.StandardError.ReadToEndAsync();
        var line = await _apiServer.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"apiserver: {await errors}");
        return line[(line.IndexOf("kubeconfig=", StringComparison.Ordinal) + "kubeconfig=".Length)..];
    }
}
