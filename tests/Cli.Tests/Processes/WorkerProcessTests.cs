using System.Diagnostics;
using Framelease.Cli.Processes;

namespace Framelease.Cli.Tests.Processes;

public sealed class WorkerProcessTests
{
    [Fact]
    public void A_child_is_found_by_name_and_a_killed_one_is_gone()
    {
        using var child = Process.Start(new ProcessStartInfo("sleep", ["60"]))!;

        WorkerProcess.ChildOf(Environment.ProcessId, "sleep").ShouldBe(child.Id);
        Signals.Send(child.Id, Signals.Kill).ShouldBeTrue();
        child.WaitForExit();

        Signals.Alive(child.Id).ShouldBeFalse();
        WorkerProcess.ChildOf(Environment.ProcessId, "sleep").ShouldBeNull();
    }

    [Fact]
    public void A_pod_that_does_not_run_here_has_no_worker() => WorkerProcess.Find("no-such-pod").ShouldBeNull();
}
