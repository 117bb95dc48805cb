// The node is killed or ended, its pods are not: what the next node finds, and never does twice.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;
using Framelease.LocalCluster.Tests.Shim;
using static Framelease.LocalCluster.Tests.Node.NodeHarness;

namespace Framelease.LocalCluster.Tests.Node;

public sealed class NodeRestartTests : IAsyncDisposable
{
    const string Waiting = "echo begun; until [ -e $HOME/go ]; do sleep 0.05; done; exit 4";

    readonly NodeHarness _node = new NodeHarness().Start();

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task A_restarted_node_takes_up_its_running_pods()
    {
        await _node.CreateAsync("stays", Waiting);
        var before = await _node.PhaseAsync("stays", "Running");
        var state = ShimState.Read(new ContainerDirectory(_node.Paths.Run(new RunId(before.Metadata.Uid!, "main", 0))))!;

        await _node.EndAsync();
        (state.Shim.IsAlive, state.Main!.IsAlive).ShouldBe((true, true));
        _node.Start();
        _node.Touch(before, "go");

        var after = await _node.PhaseAsync("stays", "Failed");
        State(after).Terminated!.ExitCode.ShouldBe(4);
        after.Status!.ContainerStatuses![0].RestartCount.ShouldBe(0);
        _node.Log(after).ShouldBe("begun\n");
    }

    [Fact]
    public async Task An_exit_while_no_node_ran_is_reported_by_the_next()
    {
        await _node.CreateAsync("unseen", Waiting);
        var pod = await _node.PhaseAsync("unseen", "Running");
        await _node.EndAsync();
        _node.Touch(pod, "go");
        await ShimHarness.Eventually(() => Processes(pod).Count == 0);

        _node.Start();

        State(await _node.PhaseAsync("unseen", "Failed")).Terminated!.ExitCode.ShouldBe(4);
    }

    [Fact]
    public async Task A_pod_deleted_while_no_node_ran_is_ended_by_the_next()
    {
        await _node.CreateAsync("unwanted", "sleep 1000");
        var pod = await _node.PhaseAsync("unwanted", "Running");
        await _node.EndAsync();
        await _node.Api.DeleteAsync<Pod>("unwanted", "default", DeleteOptions.ForUid(pod.Metadata.Uid, gracePeriodSeconds: 0));

        _node.Start();

        await _node.GoneAsync(pod);
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_killed_shim_ends_the_container_as_unknown_and_nothing_of_it_is_left()
    {
        await _node.CreateAsync("lost", "setsid sleep 1000 & echo begun; sleep 1000");
        var pod = await _node.UntilAsync("lost", p => p.Status?.Phase == "Running" && _node.Log(p).Contains("begun"));
        var shim = ShimState.Read(new ContainerDirectory(_node.Paths.Run(new RunId(pod.Metadata.Uid!, "main", 0))))!.Shim;

        shim.Signal(Libc.SigKill);

        var ended = State(await _node.PhaseAsync("lost", "Failed")).Terminated.ShouldNotBeNull();
        (ended.ExitCode, ended.Reason).ShouldBe((137, "ContainerStatusUnknown"));
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_shim_killed_while_no_node_ran_is_found_out_by_the_next()
    {
        await _node.CreateAsync("lost", "setsid sleep 1000 & echo begun; sleep 1000");
        var pod = await _node.UntilAsync("lost", p => p.Status?.Phase == "Running" && _node.Log(p).Contains("begun"));
        await _node.EndAsync();
        ShimState.Read(new ContainerDirectory(_node.Paths.Run(new RunId(pod.Metadata.Uid!, "main", 0))))!.Shim.Signal(Libc.SigKill);
        Processes(pod).Count.ShouldBeGreaterThanOrEqualTo(2);

        _node.Start();

        State(await _node.PhaseAsync("lost", "Failed")).Terminated!.Reason.ShouldBe("ContainerStatusUnknown");
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_pod_whose_records_are_lost_is_not_started_again()
    {
        await _node.CreateAsync("lost", "echo begun; sleep 1000", spec => spec with { RestartPolicy = "Never" });
        var pod = await _node.PhaseAsync("lost", "Running");
        await _node.EndAsync();
        Directory.Move(_node.Paths.Pod(pod.Metadata.Uid!), Path.Combine(_node.Root, "elsewhere"));

        _node.Start();

        State(await _node.PhaseAsync("lost", "Failed")).Terminated!.Reason.ShouldBe("ContainerStatusUnknown");
        Processes(pod).ShouldBeEmpty();
        _node.Log(pod).ShouldBe("");
    }

    [Fact]
    public async Task When_the_platform_stops_pods_end_with_grace_and_are_reported()
    {
        await _node.CreateAsync("polite", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
        await _node.CreateAsync("deaf", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
        var polite = await _node.UntilAsync("polite", p => _node.Log(p).Contains("ready"));
        var deaf = await _node.UntilAsync("deaf", p => _node.Log(p).Contains("ready"));

        await _node.DrainAsync();

        _node.Log(polite).ShouldContain("bye");
        Processes(deaf).ShouldBeEmpty();
        foreach (var name in new[] { "polite", "deaf" })
        {
            var status = (await _node.Api.GetAsync<Pod>(name, "default")).Status!;
            (status.Phase, status.Reason).ShouldBe(("Failed", "Terminated"));
            status.ContainerStatuses![0].State!.Terminated.ShouldNotBeNull();
        }
        _node.Start();
    }
}
