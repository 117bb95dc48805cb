// The parts of the node that need no process.
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node;
using Framelease.LocalCluster.Node.Devices;
using Framelease.LocalCluster.Node.Images;
using Framelease.LocalCluster.Node.Pods;
using Framelease.LocalCluster.Node.Processes;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Tests.Node;

public sealed class NodePiecesTests
{
    static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("$(A)", "1")]
    [InlineData("x$(A)y$(B)z", "x1y2z")]
    [InlineData("$(UNKNOWN)", "$(UNKNOWN)")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$$ $", "$$ $")]
    [InlineData("$(A", "$(A")]
    [InlineData("$A", "$A")]
    public void Variables_expand_as_in_Kubernetes(string text, string expected) =>
        Expansion.Expand(text, new Dictionary<string, string> { ["A"] = "1", ["B"] = "2" }).ShouldBe(expected);

    [Theory]
    [InlineData("/data", "/local/d")]
    [InlineData("/data/x", "/local/d/x")]
    [InlineData("/data/deep/x", "/local/deep/x")]
    [InlineData("/database", "/database")]
    [InlineData("--file=/data", "--file=/data")]
    public void Only_values_that_begin_with_a_mount_path_are_rewritten_and_the_longest_path_wins(string value, string expected) =>
        new MountPaths([("/data/", "/local/d"), ("/data/deep", "/local/deep")]).Rewrite(value).ShouldBe(expected);

    [Theory]
    [InlineData("name", "name")]
    [InlineData("name:1.2", "name")]
    [InlineData("registry:5000/team/name", "registry:5000/team/name")]
    [InlineData("registry:5000/team/name:tag@sha256:abc", "registry:5000/team/name")]
    public void An_image_is_found_without_its_tag_and_digest(string image, string untagged) => ImageTable.Untagged(image).ShouldBe(untagged);

    [Fact]
    public void A_node_with_a_GPU_offers_GPUs() =>
        new DeviceInventory([new("GPU-a", 0, "NVIDIA H200", 143771, "Gpu")]).Resource.ShouldBe("nvidia.com/gpu");

    [Fact]
    public void Software_slots_have_the_same_ids_after_every_start()
    {
        var inventory = new DeviceInventory(DeviceInventory.Software("local", 2));

        inventory.Devices.Select(device => device.Id).ShouldBe(["sw-local-0", "sw-local-1"]);
        inventory.Resource.ShouldBe("framelease.dev/software-gpu");
        inventory.ToJson().ShouldBe(
            """[{"id":"sw-local-0","index":0,"name":"software slot","memoryMiB":0,"kind":"Software"},{"id":"sw-local-1","index":1,"name":"software slot","memoryMiB":0,"kind":"Software"}]""");
    }

    [Fact]
    public void Restarts_back_off_and_ten_good_minutes_start_over()
    {
        var ran = new List<TimeSpan>();
        var waits = new List<double>();
        for (var i = 0; i < 8; i++)
        {
            ran.Add(TimeSpan.FromSeconds(1));
            waits.Add(CrashBackOff.After(ran).TotalSeconds);
        }

        waits.ShouldBe([0, 10, 20, 40, 80, 160, 300, 300]);
        CrashBackOff.After([.. ran, TimeSpan.FromMinutes(11)]).ShouldBe(TimeSpan.Zero);
    }

    [Theory]
    [InlineData("--data-dir is missing")]
    [InlineData("--gpus 65", "--data-dir", "d", "--gpus", "65")]
    [InlineData("unknown option --x", "--x", "1")]
    [InlineData("--images: a value is missing", "--images")]
    public void A_wrong_command_line_says_what_is_wrong(string message, params string[] arguments) =>
        Should.Throw<FormatException>(() => NodeOptions.Parse(arguments)).Message.ShouldContain(message);

    [Theory]
    [InlineData("Never", 0, "Succeeded")]
    [InlineData("Never", 1, "Failed")]
    [InlineData("OnFailure", 0, "Succeeded")]
    [InlineData("OnFailure", 1, "Running")]
    [InlineData("Always", 0, "Running")]
    public void The_phase_of_an_ended_pod_follows_its_restart_policy(string policy, int code, string phase)
    {
        var restarts = policy == "Always" || (policy == "OnFailure" && code != 0);

        PodStatusBuilder.Phase(Of(policy), View(Ended(code), willRestart: restarts)).ShouldBe(phase);
    }

    [Fact]
    public void An_out_of_memory_kill_is_told_as_such()
    {
        var view = View(new RunState.Ended(new ExitRecord(137, 9, Now, Now, OomKilled: true)));

        PodStatusBuilder.Build(Of("Never"), view, Now).ContainerStatuses![0].State!.Terminated!.Reason.ShouldBe("OOMKilled");
    }

    [Fact]
    public void Conditions_of_others_and_times_of_unchanged_ones_stay()
    {
        var first = PodStatusBuilder.Build(Of("Never"), View(new RunState.Absent()), Now);
        var other = new PodCondition { Type = "DisruptionTarget", Status = "True" };
        var pod = Of("Never") with { Status = first with { Conditions = [.. first.Conditions!, other] } };

        var second = PodStatusBuilder.Build(pod, View(Ended(0)), Now.AddMinutes(1));

        second.Conditions!.ShouldContain(other);
        second.Conditions!.Single(condition => condition.Type == "PodScheduled").LastTransitionTime.ShouldBe(Now);
        second.StartTime.ShouldBe(Now);
    }

    [Fact]
    public void A_pod_deleted_before_it_began_counts_as_ended_without_a_start()
    {
        var status = PodStatusBuilder.Build(Of("Never"), View(new RunState.Absent(), final: true), Now);

        status.Phase.ShouldBe("Failed");
        var ended = status.ContainerStatuses![0].State!.Terminated.ShouldNotBeNull();
        (ended.Reason, ended.StartedAt).ShouldBe(("ContainerStatusUnknown", null));
    }

    static RunState Ended(int code) => new RunState.Ended(new ExitRecord(code, null, Now, Now));

    static Pod Of(string policy) => new()
    {
        Metadata = new() { Name = "pod", Uid = "uid" },
        Spec = new() { RestartPolicy = policy, Containers = [new Container { Name = "main", Image = "image" }] },
    };

    static PodView View(RunState state, bool willRestart = false, bool final = false) => new([],
        [new ContainerView(new Container { Name = "main", Image = "image" }, new RunId("uid", "main", 0), state, null, null, willRestart, null)], final);
}
