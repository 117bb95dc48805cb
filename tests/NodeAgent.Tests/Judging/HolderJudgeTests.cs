using Framelease.Devices;
using Framelease.NodeAgent.Judging;
using Framelease.NodeAgent.Looking;
using Framelease.NodeAgent.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent.Tests.Judging;

/// <summary>When a holder counts as gone, on scripted trees of processes.</summary>
public sealed class HolderJudgeTests : IDisposable
{
    const string Pod = "0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f", OtherPod = "1b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f";
    const string PodCgroup = $"0::/kubepods/burstable/pod{Pod}/5c1f", OtherCgroup = $"0::/kubepods/burstable/pod{OtherPod}/5c1f";

    static readonly QuarantinedSlot OfPod = new("GPU-a", "Gpu", 0, 7, "lease-1", "HeartbeatLost", Pod);
    static readonly QuarantinedSlot Bare = new(
        "sw-0", "Software", 0, 3, "lease-1", "HeartbeatLost",
        Process: new HolderIdentity(12, 5000, Viewpoints.FirstPidNamespace, 1000), BootId: "boot-1");

    readonly ProcTree _proc = new();

    public HolderJudgeTests() => _proc.Add(1, "systemd", start: 1);

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void A_pod_is_gone_when_no_process_is_in_its_cgroups()
    {
        _proc.Add(70, cgroup: OtherCgroup);
        Judge(OfPod).ShouldBeOfType<Sighting.Gone>();
        _proc.Add(71, "ffmpeg", cgroup: PodCgroup);
        Judge(OfPod).ShouldBe(new Sighting.Alive($"process 71 (ffmpeg), in a cgroup of pod {Pod}, is there"));
    }

    [Fact]
    public void A_zombie_of_the_pod_uses_nothing()
    {
        _proc.Add(71, "ffmpeg", 'Z', cgroup: PodCgroup);
        Judge(OfPod).ShouldBeOfType<Sighting.Gone>();
    }

    [Fact]
    public void A_process_that_left_the_pods_cgroup_is_known_by_its_environment()
    {
        _proc.Add(71, cgroup: "0::/system.slice", marks: $"FRAMELEASE_POD_UID={Pod}");
        Judge(OfPod).ShouldBeOfType<Sighting.Alive>();
    }

    [Fact]
    public void A_cgroup_that_cannot_be_read_proves_nothing()
    {
        _proc.Add(71);
        File.Delete(_proc.FileOf(71, "cgroup"));
        Judge(OfPod).ShouldBeOfType<Sighting.Unsure>();
        Judge(Bare).ShouldBeOfType<Sighting.Gone>("it is not a pod's cgroup that tells of a bare lease");
    }

    [Fact]
    public void Where_pods_are_known_by_environment_one_that_cannot_be_read_proves_nothing_if_it_may_be_a_pods()
    {
        _proc.Add(71, environment: false, user: "1000");
        Judge(OfPod, ProcTree.Node(PodsKnownBy.Environment, user: 1000)).ShouldBeOfType<Sighting.Unsure>();
        Judge(OfPod, ProcTree.Node(PodsKnownBy.Environment, user: 2000)).ShouldBeOfType<Sighting.Gone>();
    }

    [Fact]
    public void The_holder_of_a_bare_lease_is_there_while_it_or_anything_it_started_is()
    {
        Judge(Bare).ShouldBeOfType<Sighting.Gone>();
        _proc.Add(70, "framelease", start: 5000, own: 12);
        Judge(Bare).ShouldBe(new Sighting.Alive("process 70 (framelease), which attached, is there"));
        _proc.Add(70, "other", start: 5001, own: 12);
        Judge(Bare).ShouldBeOfType<Sighting.Gone>("its number was given to another process");
        _proc.Add(71, "ffmpeg", marks: "FRAMELEASE_LEASE_UID=lease-1");
        Judge(Bare).ShouldBe(new Sighting.Alive("process 71 (ffmpeg), which carries the mark of lease lease-1, is there"));
        _proc.Add(71, "ffmpeg", marks: ["FRAMELEASE_LEASE_UID=lease-2", "FRAMELEASE_OUTER_LEASES=lease-1"]);
        Judge(Bare).ShouldBeOfType<Sighting.Alive>();
    }

    [Theory]
    [InlineData(5000, "1000", false)]
    [InlineData(6000, "1000", false)]
    [InlineData(4999, "1000", true)]
    [InlineData(6000, "2000", true)]
    public void A_process_without_environment_counts_unless_it_cannot_be_the_holders(long start, string user, bool isGone)
    {
        _proc.Add(71, start: start, user: user, environment: false);
        (Judge(Bare) is Sighting.Gone).ShouldBe(isGone);
    }

    [Fact]
    public void Roots_children_may_be_anybodys()
    {
        _proc.Add(71, user: "2000", environment: false);
        Judge(Bare with { Process = Bare.Process! with { UserId = 0 } }).ShouldBeOfType<Sighting.Unsure>();
    }

    [Fact]
    public void A_holder_in_another_pid_namespace_can_be_seen_from_the_machines_first_alone()
    {
        var inContainer = Bare with { Process = Bare.Process! with { PidNamespace = 4026532999 } };
        Judge(inContainer).ShouldBeOfType<Sighting.Gone>();
        Judge(inContainer, ProcTree.Node(space: 4026532000)).ShouldBeOfType<Sighting.Unsure>();
        Judge(inContainer, ProcTree.Node(space: 4026532999)).ShouldBeOfType<Sighting.Gone>();
    }

    [Fact]
    public void What_the_slot_does_not_tell_of_its_holder_cannot_be_looked_for()
    {
        Judge(Bare with { Process = null }).ShouldBeOfType<Sighting.Unsure>();
        Judge(Bare with { BootId = null }).ShouldBeOfType<Sighting.Unsure>();
        Judge(Bare with { BootId = "boot-0" }).ShouldBeOfType<Sighting.Unsure>();
    }

    [Fact]
    public void A_blind_look_proves_nothing() =>
        HolderJudge.Processes(OfPod, new ProcessLook([], "hidden"), ProcTree.Node()).ShouldBe(new Sighting.Unsure("hidden"));

    [Fact]
    public void A_device_is_clean_when_all_that_it_lists_are_of_other_holders()
    {
        _proc.Add(70, "ffmpeg", cgroup: OtherCgroup).Add(71, "ffmpeg", marks: "FRAMELEASE_LEASE_UID=lease-2").Add(72, "nvidia-cuda-mps");
        OnDevice().ShouldBeOfType<Sighting.Gone>();
        OnDevice(70, 71, 72).ShouldBeOfType<Sighting.Gone>();
    }

    [Fact]
    public void A_device_is_not_clean_while_it_lists_what_nobody_accounts_for()
    {
        _proc.Add(70, "ffmpeg", cgroup: PodCgroup).Add(71, "python");
        OnDevice(70).ShouldBeOfType<Sighting.Unsure>();
        OnDevice(71).Doubt.ShouldBe("process 71 (python) uses GPU-a, and is of no other pod or lease");
        OnDevice(99).Doubt.ShouldBe("process 99 (x) still has memory of GPU-a, and is not to be seen");
    }

    [Fact]
    public void A_device_that_does_not_tell_is_not_clean() =>
        HolderJudge.Device(OfPod, null, _proc.Look()).Doubt.ShouldBe("nvidia-smi does not tell who uses GPU-a");

    Sighting Judge(QuarantinedSlot slot, Viewpoint? from = null) => HolderJudge.Processes(slot, _proc.Look(from), from ?? ProcTree.Node());

    Sighting OnDevice(params int[] pids) => HolderJudge.Device(OfPod, [.. pids.Select(p => new DeviceProcess(p, 100, "x"))], _proc.Look());
}
