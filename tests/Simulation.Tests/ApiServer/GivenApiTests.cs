using System.Reflection;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>
/// An upstream API server keeps the contract as well, but for the rules of pods: one without its built-in rules has none.
/// </summary>
public sealed class GivenApiTests
{
    [GivenServerFact]
    public async Task The_given_server_keeps_the_contract()
    {
        using var client = new KubernetesClient(KubeConfig.Load(GivenServerFactAttribute.KubeConfig!), TimeProvider.System, new Random(1));
        await PlatformKinds.InstallAsync(client);
        var cases = typeof(ApiContract).GetMethods().Where(m => m.IsDefined(typeof(FactAttribute))).ToList();
        cases.Count.ShouldBeGreaterThan(3);
        foreach (var test in cases)
        {
            var contract = new Contract(client);
            await contract.InitializeAsync();
            try
            {
                await (Task)test.Invoke(contract, null)!;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"{test.Name}: {e.Message}", e);
            }
        }
    }

    sealed class Contract(KubernetesClient client) : ApiContract
    {
        private protected override Task<(IKubernetesClient Client, string Namespace)> OpenAsync() => PlatformKinds.OpenAsync(client);
    }
}

/// <summary>Runs only where FRAMELEASE_TEST_KUBECONFIG names an API server; elsewhere it is reported as skipped, with this reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GivenServerFactAttribute : FactAttribute
{
    public GivenServerFactAttribute()
    {
        if (KubeConfig is null)
            Skip = "FRAMELEASE_TEST_KUBECONFIG is not set: no upstream API server to hold the contract against";
    }

    public static string? KubeConfig => Environment.GetEnvironmentVariable("FRAMELEASE_TEST_KUBECONFIG") is { Length: > 0 } path ? path : null;
}
