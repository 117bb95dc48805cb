using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;

namespace Framelease.Kubernetes.Tests.Support;

/// <summary>Runs only where FRAMELEASE_TEST_KUBECONFIG names an API server; elsewhere it is reported as skipped, with this reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RealServerFactAttribute : FactAttribute
{
    public RealServerFactAttribute()
    {
        if (RealServer.KubeConfigPath is null)
            Skip = "FRAMELEASE_TEST_KUBECONFIG is not set: no real API server to test against";
    }
}

public static class RealServer
{
    public static string? KubeConfigPath => Environment.GetEnvironmentVariable("FRAMELEASE_TEST_KUBECONFIG") is { Length: > 0 } path ? path : null;

    public static KubernetesClient Connect() => new(KubeConfig.Load(KubeConfigPath!), TimeProvider.System, new Random(1));

    /// <summary>A namespace of this test's own, so that runs do not meet.</summary>
    public static async Task<string> NamespaceAsync(KubernetesClient client)
    {
        var made = await client.CreateAsync(new Models.Namespace { Metadata = new() { GenerateName = "kubernetes-tests-" } });
        return made.Metadata.Name!;
    }
}
