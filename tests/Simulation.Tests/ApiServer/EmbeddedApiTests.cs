using System.Diagnostics;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>The embedded API server keeps the same contract.</summary>
public sealed class EmbeddedApiTests(EmbeddedApiServer server) : PodContract, IClassFixture<EmbeddedApiServer>
{
    private protected override Task<(IKubernetesClient Client, string Namespace)> OpenAsync() => PlatformKinds.OpenAsync(server.Client);
}

/// <summary>Started once for all tests, with the platform's kinds.</summary>
public sealed class EmbeddedApiServer : IAsyncLifetime
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-simulation-").FullName;
    Process? _process;

    internal KubernetesClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Client = new KubernetesClient(KubeConfig.Load(await StartAsync()), TimeProvider.System, new Random(1));
        await PlatformKinds.InstallAsync(Client);
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    // The program lies beside the tests: they reference its project.
    async Task<string> StartAsync()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "framelease-localcluster.dll");
        _process = Process.Start(new ProcessStartInfo("dotnet", ["exec", program, "apiserver", "--data-dir", _directory])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        (await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldNotBeNull("it ended before it was ready");
        return Path.Combine(_directory, "kubeconfig");
    }
}
