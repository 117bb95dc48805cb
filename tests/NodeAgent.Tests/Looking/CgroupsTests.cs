using Framelease.NodeAgent.Looking;

namespace Framelease.NodeAgent.Tests.Looking;

public sealed class CgroupsTests
{
    const string Uid = "0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f";

    [Theory]
    [InlineData("0::/kubepods/burstable/pod0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f/5c1f")]
    [InlineData("0::/kubepods/pod0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f/5c1f")]
    [InlineData("0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b6c1d0e_9a8b_4c7d_8e6f_5a4b3c2d1e0f.slice/cri-1.scope")]
    [InlineData("0::/../../kubepods-besteffort-pod0b6c1d0e_9a8b_4c7d_8e6f_5a4b3c2d1e0f.slice/crio-5c1f.scope")]
    [InlineData("12:devices:/kubepods/besteffort/pod0b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f/5c1f\n1:name=systemd:/kubepods/x")]
    [InlineData("0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod0b6c1d0e_9a8b_4c7d_8e6f_5a4b3c2d1e0f.slice/cri-1.scope")]
    public void A_pods_processes_are_known_in_every_layout(string cgroup)
    {
        Cgroups.IsOfPod(cgroup, Uid).ShouldBeTrue();
        Cgroups.IsOfAnyPod(cgroup).ShouldBeTrue();
        Cgroups.IsOfPod(cgroup, "1b6c1d0e-9a8b-4c7d-8e6f-5a4b3c2d1e0f").ShouldBeFalse();
    }

    [Theory]
    [InlineData("0::/init.scope")]
    [InlineData("0::/system.slice/kubelet.service")]
    [InlineData("0::/kubepods.slice")]
    public void What_belongs_to_the_node_belongs_to_no_pod(string cgroup)
    {
        Cgroups.IsOfAnyPod(cgroup).ShouldBeFalse();
        Cgroups.IsOfPod(cgroup, Uid).ShouldBeFalse();
    }

    [Fact]
    public void A_pod_of_a_file_has_a_uid_without_hyphens() =>
        Cgroups.IsOfAnyPod("0::/kubepods.slice/kubepods-burstable-pod4d2b8e1c6a7f40539b1e2c3d4e5f6a7b.slice/x").ShouldBeTrue();
}
