using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>The contract with what only a server with the rules of built-in kinds keeps: pods that end with grace.</summary>
public abstract class PodContract : ApiContract
{
    [Fact]
    public async Task A_pod_on_a_node_ends_with_grace_and_goes_when_its_kubelet_says_so()
    {
        await Client.CreateAsync(Pod("a", "node-1"));
        await Client.DeleteAsync<Pod>("a", Ns);
        var ending = await Client.GetAsync<Pod>("a", Ns);
        (ending.Metadata.DeletionGracePeriodSeconds, ending.Status!.Phase).ShouldBe((30, "Pending"));
        await Client.DeleteAsync<Pod>("a", Ns, DeleteOptions.ForUid(ending.Metadata.Uid, 0), Ct);
        (await Client.FindAsync<Pod>("a", Ns)).ShouldBeNull();
        await Client.CreateAsync(Pod("b", null));
        await Client.DeleteAsync<Pod>("b", Ns);
        (await Client.FindAsync<Pod>("b", Ns)).ShouldBeNull();
    }

    [Fact]
    public async Task A_pod_that_has_ended_goes_at_once_but_for_its_finalizers()
    {
        var pod = Pod("a", "node-1");
        var made = await Client.CreateAsync(pod with { Metadata = pod.Metadata with { Finalizers = [Wait] } });
        await Client.PatchStatusAsync(made, made with { Status = made.Status! with { Phase = "Failed" } }, ct: Ct);
        await Client.DeleteAsync<Pod>("a", Ns);
        var ended = await Client.GetAsync<Pod>("a", Ns);
        (ended.Metadata.DeletionGracePeriodSeconds, ended.Status!.Phase).ShouldBe((0, "Failed"));
        await Client.RemoveFinalizerAsync(ended, Wait, Ct);
        (await Client.FindAsync<Pod>("a", Ns)).ShouldBeNull();
    }

    Pod Pod(string name, string? node) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = Ns },
        Spec = new PodSpec
        {
            NodeName = node, Containers = [new Container { Name = "worker", Image = "worker:1" }], TerminationGracePeriodSeconds = 30,
        },
    };
}
