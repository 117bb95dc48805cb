using System.Diagnostics;
using System.Globalization;
using Framelease.Cli.Leases;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests.Leases;

/// <summary><c>framelease lease run</c> as people call it: one platform, one device, one story after another.</summary>
public sealed class LeaseRunTests(Platform platform) : IClassFixture<Platform>
{
    [Fact]
    public async Task A_command_runs_under_a_lease_waits_for_it_and_loses_it_with_it()
    {
        // Beats every second, so that orders arrive soon.
        await PatchPoolAsync(new { heartbeatIntervalSeconds = 1, heartbeatTimeoutSeconds = 10 });
        using var first = Run("first", [], "/bin/sh", "-c", "echo $FRAMELEASE_DEVICE $FRAMELEASE_TOKEN; read line; exit 7");
        await LeaseAsync("first", l => l.Status?.AttachedTime is not null);

        using var hasty = Run("hasty", ["--max-wait", "1"], "true");
        (await EndAsync(hasty)).Code.ShouldBe(LeaseExit.GaveUp);

        using var second = Run("second", [], "sleep", "600");
        await LeaseAsync("second", l => l.Status?.State == "Pending");
        first.StandardInput.Close();
        var done = await EndAsync(first);
        (done.Code, done.Out).ShouldBe((7, "sw-local-0 1"));
        done.Error.ShouldContain("granted: sw-local-0 slot 0 on local, token 1");

        // A signal to the runner is the command's.
        var granted = await LeaseAsync("second", l => l.Status?.AttachedTime is not null);
        Signals.Send(second.Id, Signals.Term);
        (await EndAsync(second)).Code.ShouldBe(143);
        (await platform.LeaseEventTypesAsync(granted.Metadata.Uid!)).ShouldBe(["LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseReleased"]);

        // Drain is a request, and a clean end.
        using var drained = Run("drained", [], "/bin/sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done");
        await LeaseAsync("drained", l => l.Status?.AttachedTime is not null);
        await PatchPoolAsync(new { cordons = new[] { new { node = "local", drain = true } } });
        var asked = await EndAsync(drained);
        asked.Code.ShouldBe(3);
        asked.Error.ShouldContain("asked to end within");
        await PatchPoolAsync(new { cordons = Array.Empty<object>() });

        // A lease that is taken away takes the command with it; its slot waits for proof, and the node gives it.
        using var lost = Run("lost", [], "/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done");
        await LeaseAsync("lost", l => l.Status?.AttachedTime is not null);
        var taken = (await platform.Client.GetAsync<GpuLease>("lost", "default")).Metadata.Uid!;
        await platform.Client.DeleteAsync<GpuLease>("lost", "default");
        (await EndAsync(lost)).Code.ShouldBe(LeaseExit.Lost);
        await EventsAsync(taken, "LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseRevoked", "SlotQuarantined", "SlotFreed");
    }

    [Fact]
    public async Task When_the_runner_is_killed_its_slot_is_free_as_soon_as_nothing_of_the_command_is_left()
    {
        await PatchPoolAsync(new { heartbeatIntervalSeconds = 1, heartbeatTimeoutSeconds = 3 });
        using var run = Run("orphaned", [], "/bin/sh", "-c", "echo $$; exec sleep 600");
        var uid = (await LeaseAsync("orphaned", l => l.Status?.AttachedTime is not null)).Metadata.Uid!;
        var command = int.Parse((await run.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        Signals.Send(run.Id, Signals.Kill);
        await LeaseAsync("orphaned", l => l.Status?.State == "Quarantined");

        // The command lives on: the node sees it, and the slot stays where it is.
        await Until.True(
            () => Task.FromResult(NodeLog().Contains($"(lease {uid}, token", StringComparison.Ordinal)), "the node has looked");
        NodeLog().ShouldContain($"stays in quarantine: process {command} (sleep), which carries the mark of lease {uid}, is there");
        (await platform.LeaseEventTypesAsync(uid)).ShouldNotContain("SlotFreed");

        Signals.Send(command, Signals.Kill);
        await EventsAsync(uid, "LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseExpired", "SlotQuarantined", "SlotFreed");
        NodeLog().ShouldContain($"is free: two looks 300 ms apart");
        using var next = Run("next", [], "true");
        (await EndAsync(next)).Code.ShouldBe(0);
    }

    string NodeLog() => File.ReadAllText(Path.Combine(platform.Data, "logs", "node.log"));

    // A late beat that was refused may be on record anywhere between the end and the proof.
    Task EventsAsync(string lease, params string[] types) => Until.True(
        async () => (await platform.LeaseEventTypesAsync(lease)).Where(type => type != "StaleHolderRejected").SequenceEqual(types),
        $"lease {lease}: {string.Join(", ", types)}");

    Process Run(string name, string[] options, params string[] command) => Process.Start(new ProcessStartInfo(
        Dist.Framelease, ["lease", "run", "--kubeconfig", platform.Kubeconfig, "--name", name, .. options, "--", .. command])
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
    })!;

    static async Task<(int Code, string Out, string Error)> EndAsync(Process run)
    {
        var (output, error) = (run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        await run.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (run.ExitCode, (await output).Trim(), await error);
    }

    Task<GpuLease> LeaseAsync(string name, Func<GpuLease, bool> met) => Until.NotNull(
        async () => await platform.Client.FindAsync<GpuLease>(name, "default") is { } lease && met(lease) ? lease : null, $"lease {name}");

    Task PatchPoolAsync(object spec) => platform.Client.PatchAsync<GpuPool>("default", null, Patch.Merge(new { spec }));
}
