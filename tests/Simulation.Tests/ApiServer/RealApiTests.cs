using System.Diagnostics;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;
using Framelease.Resources;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>A real API server keeps the same contract: the one that FRAMELEASE_TEST_KUBECONFIG names, else our embedded one.</summary>
public sealed class RealApiTests(RealApiServer server) : ApiContract, IClassFixture<RealApiServer>
{
    private protected override async Task<(IKubernetesClient Client, string Namespace)> OpenAsync()
    {
        var made = await server.Client.CreateAsync(new Namespace { Metadata = new ObjectMeta { Name = $"sim-{Guid.NewGuid():N}"[..20] } });
        return (server.Client, made.Metadata.Name!);
    }
}

/// <summary>Started once for all tests, with the platform's kinds.</summary>
public sealed class RealApiServer : IAsyncLifetime
{
    static readonly ResourceRef Definitions = new(
        "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Namespaced: false);

    readonly string _directory = Directory.CreateTempSubdirectory("framelease-simulation-").FullName;
    Process? _process;

    internal KubernetesClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var kubeconfig = Environment.GetEnvironmentVariable("FRAMELEASE_TEST_KUBECONFIG") is { Length: > 0 } given
            ? given
            : await StartAsync();
        Client = new KubernetesClient(KubeConfig.Load(kubeconfig), TimeProvider.System, new Random(1));
        foreach (var kind in CustomResources.All)
            await Client.ApplyAsync(CrdGenerator.Generate(kind));
        foreach (var kind in CustomResources.All)
            await IsServedAsync(ResourceRef.Of(kind));
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

    // A kind is served a moment after its definition was taken.
    async Task IsServedAsync(ResourceRef kind)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                await Client.ListAsync(kind, ct: limit.Token);
                return;
            }
            catch (KubernetesException e) when (e.IsNotFound)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
    }
}
