using Framelease.Kubernetes.Models;
using Framelease.Operator.Pods;

namespace Framelease.Operator.Tests.Pods;

public sealed class PodObservationTests
{
    static Pod Pod(string phase, params ContainerState[] states) => new()
    {
        Metadata = new ObjectMeta { Name = "clip-1", Uid = "uid", Labels = new Dictionary<string, string>(WorkerPod.Labels("task", 0, 2)) },
        Spec = new PodSpec { NodeName = "node-1", Containers = [new Container { Name = "worker" }] },
        Status = new PodStatus { Phase = phase, ContainerStatuses = [.. states.Select(s => new ContainerStatus { Name = "worker", State = s })] },
    };

    static ContainerState Terminated(int code, string reason = "Error", int? signal = null) =>
        new() { Terminated = new ContainerStateTerminated { ExitCode = code, Reason = reason, Signal = signal } };

    [Fact]
    public void A_running_container_is_no_end_whatever_the_phase_says() =>
        PodObservation.EndOf(Pod("Failed", new ContainerState { Running = new ContainerStateRunning() })).ShouldBeNull();

    [Fact]
    public void A_pending_pod_is_no_end() =>
        PodObservation.EndOf(Pod("Pending", new ContainerState { Waiting = new ContainerStateWaiting { Reason = "ImageUnavailable" } })).ShouldBeNull();

    [Fact]
    public void A_terminated_container_is_the_end_with_its_exit_code()
    {
        var end = PodObservation.EndOf(Pod("Failed", Terminated(137, signal: 9)))!;
        (end.EverStarted, end.ExitCode, end.OutOfMemory).ShouldBe((true, 137, false));
        end.Message.ShouldContain("signal 9");
        end.Evidence.ShouldContain("uid");
    }

    [Fact]
    public void A_container_killed_for_memory_says_so() =>
        PodObservation.EndOf(Pod("Failed", Terminated(137, "OOMKilled")))!.OutOfMemory.ShouldBeTrue();

    [Fact]
    public void A_pod_that_the_kubelet_refused_never_started() =>
        PodObservation.EndOf(Pod("Failed"))!.EverStarted.ShouldBeFalse();

    [Fact]
    public void A_pods_labels_name_its_attempt() => PodObservation.AttemptOf(Pod("Running")).ShouldBe(("task", 0, 2));

    [Fact]
    public void A_pod_without_our_labels_is_not_ours() =>
        PodObservation.AttemptOf(new Pod { Metadata = new ObjectMeta { Name = "other" } }).ShouldBeNull();
}
