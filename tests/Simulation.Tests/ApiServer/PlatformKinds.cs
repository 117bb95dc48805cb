using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Schema;
using Framelease.Resources;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>Makes a real API server ready for the contract.</summary>
static class PlatformKinds
{
    public static async Task InstallAsync(KubernetesClient client)
    {
        foreach (var kind in CustomResources.All)
            await client.ApplyAsync(CrdGenerator.Generate(kind));
        foreach (var kind in CustomResources.All)
            await IsServedAsync(client, ResourceRef.Of(kind));
    }

    /// <returns>The client, and a namespace of a test's own.</returns>
    public static async Task<(IKubernetesClient Client, string Namespace)> OpenAsync(KubernetesClient client)
    {
        var made = await client.CreateAsync(new Namespace { Metadata = new ObjectMeta { Name = $"sim-{Guid.NewGuid():N}"[..20] } });
        return (client, made.Metadata.Name!);
    }

    // A kind is served a moment after its definition was taken.
    static async Task IsServedAsync(KubernetesClient client, ResourceRef kind)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                await client.ListAsync(kind, ct: limit.Token);
                return;
            }
            catch (KubernetesException e) when (e.IsNotFound)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }
        }
    }
}
