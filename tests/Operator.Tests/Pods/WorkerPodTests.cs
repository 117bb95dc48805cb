using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Pods;
using Framelease.Resources;

namespace Framelease.Operator.Tests.Pods;

/// <summary>How a pod comes to its device.</summary>
public sealed class WorkerPodTests
{
    static Pod Build(LeaseTerms terms) => WorkerPod.Build(
        new VideoTask { Metadata = new ObjectMeta { Name = "clip", Namespace = "default", Uid = Given.TaskUid } },
        new Engine { Metadata = new ObjectMeta { Name = "e" }, Spec = new EngineSpec { Image = "worker:1" } }, "clip-1", 0, 1,
        new LeaseGranted(new SlotKey("cluster", "node-1", "GPU-a", 0), "L4", "Gpu", 0, 7, terms), "http://operator", "worker", 600);

    [Fact]
    public void By_its_own_id_where_the_platform_has_the_devices()
    {
        var pod = Build(Given.Terms);
        pod.Spec!.NodeName.ShouldBe("node-1");
        var worker = pod.Spec.Containers!.Single();
        worker.Resources.ShouldBeNull();
        worker.Env!.Where(e => e.Name.EndsWith("_VISIBLE_DEVICES", StringComparison.Ordinal)).Select(e => e.Value)
            .ShouldBe(["GPU-a", "GPU-a"]);
        worker.Env!.ShouldNotContain(e => e.Name == "FRAMELEASE_REPORT_DEVICES");
    }

    [Fact]
    public void By_the_kubelets_choice_where_it_has_them_and_no_word_of_ours_goes_past_it()
    {
        var pod = Build(Given.Terms with { DevicePlugin = new DevicePluginTerms("nvidia.com/gpu.shared", true) });
        pod.Spec!.NodeName.ShouldBe("node-1");
        var worker = pod.Spec.Containers!.Single();
        worker.Resources!.Limits.ShouldBe(new Dictionary<string, string> { ["nvidia.com/gpu.shared"] = "1" });
        worker.Env!.ShouldNotContain(e => e.Name.EndsWith("_VISIBLE_DEVICES", StringComparison.Ordinal));
        worker.Env!.Single(e => e.Name == "FRAMELEASE_REPORT_DEVICES").Value.ShouldBe("true");
    }

    [Fact]
    public void By_a_claim_where_a_driver_publishes_them_and_the_scheduler_brings_it_to_the_node_of_its_grant()
    {
        var pod = Build(Given.Terms with { Dra = new DraTerms("gpu.nvidia.com", "gpu.nvidia.com", "uuid") });
        pod.Spec!.NodeName.ShouldBeNull("only the scheduler allocates claims");
        WorkerPod.NodeOf(pod).ShouldBe("node-1");
        WorkerPod.NodeOf(new Pod { Spec = pod.Spec with { NodeName = "node-2" } }).ShouldBe("node-2");
        WorkerPod.NodeOf(new Pod()).ShouldBeNull();
        pod.Spec.ResourceClaims.ShouldBe([new PodResourceClaim("device", "clip-1")]);
        pod.Spec.Tolerations!.ShouldContain(t => t.Key == null && t.Operator == "Exists" && t.Effect == "NoSchedule");
        var worker = pod.Spec.Containers!.Single();
        worker.Resources!.Claims.ShouldBe([new ContainerResourceClaim("device")]);
        worker.Resources.Limits.ShouldBeNull();
        worker.Env!.ShouldNotContain(e => e.Name.EndsWith("_VISIBLE_DEVICES", StringComparison.Ordinal));
        worker.Env!.Single(e => e.Name == "FRAMELEASE_REPORT_DEVICES").Value.ShouldBe("true");
    }
}
