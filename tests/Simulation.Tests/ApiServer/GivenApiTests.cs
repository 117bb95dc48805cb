using System.Reflection;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pods;
using Framelease.Resources;

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

    [GivenServerFact]
    public async Task The_given_server_takes_a_worker_pod_whose_kubelet_is_to_choose_the_device_and_knows_all_its_fields()
    {
        using var client = new KubernetesClient(KubeConfig.Load(GivenServerFactAttribute.KubeConfig!), TimeProvider.System, new Random(1));
        await PlatformKinds.InstallAsync(client);
        var name = $"t{Guid.NewGuid():N}"[..12];
        var terms = new LeaseTerms(0, 600, 60, 300, DevicePlugin: new DevicePluginTerms("nvidia.com/gpu"));
        var pod = WorkerPod.Build(
            new VideoTask { Metadata = new ObjectMeta { Name = name, Namespace = "default", Uid = Guid.NewGuid().ToString() } },
            new Resources.Engine { Metadata = new ObjectMeta { Name = "e" }, Spec = new EngineSpec { Image = "worker:1" } }, name, 0, 1,
            new LeaseGranted(new SlotKey("c", "node-1", "nvidia.com.gpu-0@node-1", 0), "L4", "Gpu", 0, 1, terms), "http://operator",
            "default", 600);
        var stored = await client.CreateAsync(
            ResourceRef.Of<Pod>(), pod, new WriteOptions { FieldValidation = "Strict", DryRun = true }, CancellationToken.None);
        stored.Spec!.Containers!.Single().Resources!.Limits!["nvidia.com/gpu"].ShouldBe("1");
        stored.Spec.NodeName.ShouldBe("node-1");
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
