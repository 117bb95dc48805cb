// What a kubelet would report, from create to gone, with real processes.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Tests.Shim;
using static Framelease.LocalCluster.Tests.Node.NodeHarness;

namespace Framelease.LocalCluster.Tests.Node;

public sealed class PodLifecycleTests : IAsyncDisposable
{
    readonly NodeHarness _node = new NodeHarness().Start();

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task A_pod_is_claimed_run_and_succeeds()
    {
        await _node.CreateAsync("ok", "echo hello; until [ -e $HOME/go ]; do sleep 0.05; done");

        var running = await _node.PhaseAsync("ok", "Running");
        running.Spec!.NodeName.ShouldBe("local");
        State(running).Running.ShouldNotBeNull().StartedAt.ShouldNotBeNull();
        Condition(running, "Ready").Status.ShouldBe("True");
        running.Status!.ContainerStatuses![0].ContainerID.ShouldStartWith("process://");

        _node.Touch(running, "go");
        var done = await _node.PhaseAsync("ok", "Succeeded");
        var ended = State(done).Terminated.ShouldNotBeNull();
        (ended.ExitCode, ended.Reason).ShouldBe((0, "Completed"));
        ended.FinishedAt!.Value.ShouldBeGreaterThanOrEqualTo(ended.StartedAt!.Value);
        (Condition(done, "Ready").Status, Condition(done, "Ready").Reason).ShouldBe(("False", "PodCompleted"));
        (Condition(done, "PodScheduled").Status, Condition(done, "Initialized").Status).ShouldBe(("True", "True"));
        _node.Log(done).ShouldBe("hello\n");
    }

    [Theory]
    [InlineData("exit 3", 3, "Error")]
    [InlineData("kill -9 $$$$", 137, "Error")]
    public async Task A_failing_pod_reports_its_exit_code(string script, int code, string reason)
    {
        await _node.CreateAsync("bad", script);

        var ended = State(await _node.PhaseAsync("bad", "Failed")).Terminated.ShouldNotBeNull();
        (ended.ExitCode, ended.Reason).ShouldBe((code, reason));
    }

    [Fact]
    public async Task A_program_that_cannot_start_is_a_start_error()
    {
        await _node.CreateAsync("nothing", "", spec => spec with { Containers = [spec.Containers![0] with { Command = ["/no/such/program"] }] });

        var ended = State(await _node.PhaseAsync("nothing", "Failed")).Terminated.ShouldNotBeNull();
        (ended.ExitCode, ended.Reason).ShouldBe((128, "StartError"));
    }

    [Fact]
    public async Task An_unknown_image_waits_and_runs_once_the_table_has_it()
    {
        await _node.CreateAsync("later", "", image: "registry.example/tool:1.2");
        var waiting = State(await _node.UntilAsync("later", pod => pod.Status?.ContainerStatuses is not null)).Waiting.ShouldNotBeNull();
        waiting.Reason.ShouldBe("ImageUnavailable");
        waiting.Message.ShouldNotBeNull().ShouldContain("\"registry.example/tool\"");
        waiting.Message.ShouldContain(_node.Images);

        File.WriteAllText(_node.Images, """{"images": {"registry.example/tool": {"program": "/bin/true"}}}""");

        await _node.PhaseAsync("later", "Succeeded");
    }

    [Fact]
    public async Task A_deleted_pod_ends_in_its_own_way_and_its_end_is_reported_before_it_is_gone()
    {
        await _node.CreateAsync("polite", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done");
        var pod = await _node.UntilAsync("polite", p => _node.Log(p).Contains("ready"));

        await _node.Api.DeleteAsync<Pod>("polite", "default");
        await _node.GoneAsync(pod);

        var last = _node.Api.Statuses.Last(status => status.Pod == "polite").Status;
        last.ContainerStatuses![0].State!.Terminated.ShouldNotBeNull().ExitCode.ShouldBe(5);
        last.Phase.ShouldBe("Failed");
        _node.Api.Deletes.ShouldBe(2);
    }

    [Fact]
    public async Task A_deletion_between_a_look_and_its_status_is_not_overlooked()
    {
        _node.Api.BeforeStatus = (name, patch) =>
        {
            if (patch["status"]?["phase"]?.GetValue<string>() != "Running")
                return;
            _node.Api.BeforeStatus = null;
            _node.Api.DeleteAsync<Pod>(name, "default").Wait();
        };

        var pod = await _node.CreateAsync("overtaken", "trap 'exit 5' TERM; while :; do sleep 0.05; done");

        await _node.GoneAsync(pod);
        _node.Api.Statuses.Last(status => status.Pod == "overtaken").Status.Phase.ShouldBe("Failed");
    }

    [Fact]
    public async Task After_the_grace_the_whole_tree_is_killed()
    {
        await _node.CreateAsync("deaf", "trap '' TERM; (trap '' TERM; setsid sleep 1000) & echo ready; while :; do sleep 0.05; done");
        var pod = await _node.UntilAsync("deaf", p => _node.Log(p).Contains("ready"));

        await _node.Api.DeleteAsync<Pod>("deaf", "default", DeleteOptions.ForUid(pod.Metadata.Uid, gracePeriodSeconds: 1));
        await _node.GoneAsync(pod);

        _node.Api.Statuses.Last(status => status.Pod == "deaf").Status.ContainerStatuses![0].State!.Terminated!.ExitCode.ShouldBe(137);
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_forced_deletion_leaves_no_process()
    {
        await _node.CreateAsync("forced", "trap '' TERM; sleep 1000 & echo ready; while :; do sleep 0.05; done");
        var pod = await _node.UntilAsync("forced", p => _node.Log(p).Contains("ready"));

        await _node.Api.DeleteAsync<Pod>("forced", "default", DeleteOptions.ForUid(pod.Metadata.Uid, gracePeriodSeconds: 0));

        await _node.GoneAsync(pod);
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_owner_of_a_finalizer_sees_the_terminated_status()
    {
        var created = await _node.CreateAsync("held", "sleep 1000");
        await _node.Api.PatchAsync<Pod>("held", "default", Patch.Merge(Finalizers("framelease.dev/proof")));
        await _node.PhaseAsync("held", "Running");

        await _node.Api.DeleteAsync<Pod>("held", "default", DeleteOptions.ForUid(created.Metadata.Uid, gracePeriodSeconds: 1));
        var held = await _node.UntilAsync("held", pod => pod.Metadata.DeletionGracePeriodSeconds == 0);
        State(held).Terminated.ShouldNotBeNull().ExitCode.ShouldBe(143);
        Directory.Exists(_node.Paths.Pod(created.Metadata.Uid!)).ShouldBeTrue("logs stay until the object is gone");

        await _node.Api.PatchAsync<Pod>("held", "default", Patch.Merge(Finalizers()));
        await _node.GoneAsync(created);
    }

    [Fact]
    public async Task A_failing_container_restarts_at_once_and_then_backs_off()
    {
        await _node.CreateAsync("crash", "echo run; exit 1", spec => spec with { RestartPolicy = "OnFailure" });

        var pod = await _node.UntilAsync("crash", p => p.Status?.ContainerStatuses?[0] is { RestartCount: 1, State.Waiting.Reason: "CrashLoopBackOff" });

        pod.Status!.Phase.ShouldBe("Running");
        pod.Status.ContainerStatuses![0].LastState!.Terminated!.ExitCode.ShouldBe(1);
        (_node.Log(pod, 0), _node.Log(pod, 1)).ShouldBe(("run\n", "run\n"));
    }

    [Fact]
    public async Task Init_containers_run_first_and_their_failure_fails_the_pod()
    {
        var init = new Container { Name = "prepare", Image = "shell", Args = ["echo prepared > $HOME/file"] };
        await _node.CreateAsync("two", "cat $HOME/file", spec => spec with { InitContainers = [init] });
        _node.Log(await _node.PhaseAsync("two", "Succeeded")).ShouldBe("prepared\n");

        await _node.CreateAsync("broken", "echo never", spec => spec with { InitContainers = [init with { Args = ["exit 9"] }] });
        var failed = await _node.PhaseAsync("broken", "Failed");
        failed.Status!.InitContainerStatuses![0].State!.Terminated!.ExitCode.ShouldBe(9);
        failed.Status.ContainerStatuses![0].State!.Waiting!.Reason.ShouldBe("PodInitializing");
        _node.Log(failed).ShouldBe("");
    }

    [Fact]
    public async Task A_pod_with_a_deadline_is_ended_when_it_is_due()
    {
        await _node.CreateAsync("late", "sleep 1000", spec => spec with { ActiveDeadlineSeconds = 1 });

        var pod = await _node.PhaseAsync("late", "Failed");

        pod.Status!.Reason.ShouldBe("DeadlineExceeded");
        Processes(pod).ShouldBeEmpty();
    }

    [Fact]
    public async Task Pods_that_do_not_fit_wait_unscheduled_until_there_is_room()
    {
        static PodSpec With(PodSpec spec, string count) => spec with
        {
            Containers = [spec.Containers![0] with { Resources = new() { Limits = new Dictionary<string, string> { ["framelease.dev/software-gpu"] = count } } }],
        };
        var gpus = await ShimHarness.Eventually(() => _node.Api.FindAsync<Kubernetes.Models.Node>("local").Result);
        if (gpus.Metadata.Annotations!["framelease.dev/devices"].Contains("GPU-"))
            return; // a machine with GPUs offers no software slots
        await _node.CreateAsync("first", "sleep 1000", spec => With(spec, "2"));
        await _node.PhaseAsync("first", "Running");
        await _node.CreateAsync("second", "exit 0", spec => With(spec, "1"));
        var waiting = await _node.UntilAsync("second", pod => pod.Status?.Conditions is not null);
        (Condition(waiting, "PodScheduled").Status, Condition(waiting, "PodScheduled").Reason).ShouldBe(("False", "Unschedulable"));
        waiting.Spec!.NodeName.ShouldBeNull();

        await _node.Api.DeleteAsync<Pod>("first", "default", DeleteOptions.ForUid(null, gracePeriodSeconds: 0) with { Preconditions = null });

        await _node.PhaseAsync("second", "Succeeded");
    }

    [Fact]
    public async Task A_node_selector_that_does_not_match_keeps_the_pod_away()
    {
        await _node.CreateAsync("elsewhere", "exit 0", spec => spec with { NodeSelector = new Dictionary<string, string> { ["disk"] = "fast" } });

        var waiting = await _node.UntilAsync("elsewhere", pod => pod.Status?.Conditions is not null);

        Condition(waiting, "PodScheduled").Message.ShouldNotBeNull().ShouldContain("selector");
    }

    [Fact]
    public async Task The_node_registers_itself_with_its_devices()
    {
        var node = await ShimHarness.Eventually(() => _node.Api.FindAsync<Kubernetes.Models.Node>("local").Result is { Status: not null } found ? found : null);

        node.Metadata.Labels!["framelease.dev/node"].ShouldBe("local");
        node.Status!.NodeInfo!.BootID.ShouldBe(ProcessIdentity.CurrentBootId);
        node.Status.Conditions!.Single(condition => condition.Type == "Ready").Status.ShouldBe("True");
        node.Metadata.Annotations!["framelease.dev/devices"].ShouldContain("\"kind\":");
        await ShimHarness.Eventually(() => _node.Api.FindAsync<Lease>("local", "kube-node-lease").Result?.Spec?.RenewTime is not null);
    }

    [Fact]
    public async Task An_API_server_that_is_away_delays_reports_but_not_pods()
    {
        await _node.CreateAsync("blind", "until [ -e $HOME/go ]; do sleep 0.05; done; echo finished");
        var pod = await _node.PhaseAsync("blind", "Running");

        _node.Api.Down = true;
        _node.Touch(pod, "go");
        await ShimHarness.Eventually(() => _node.Log(pod).Contains("finished"));
        _node.Api.Down = false;

        await _node.PhaseAsync("blind", "Succeeded");
    }

    static PodCondition Condition(Pod pod, string type) => pod.Status!.Conditions!.Single(condition => condition.Type == type);

    static System.Text.Json.Nodes.JsonObject Finalizers(params string[] names) => new()
    {
        ["metadata"] = new System.Text.Json.Nodes.JsonObject
        {
            ["finalizers"] = new System.Text.Json.Nodes.JsonArray([.. names.Select(name => (System.Text.Json.Nodes.JsonNode)name)]),
        },
    };
}
