// One supervised child, with real processes: started, told ready, started again, ended, insisted upon.
using System.Collections.Concurrent;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Supervision;
using Microsoft.Extensions.Logging.Abstractions;
using static Framelease.LocalCluster.Tests.Shim.ShimHarness;

namespace Framelease.LocalCluster.Tests.Supervision;

public sealed class ChildSupervisorTests : IDisposable
{
    readonly PlatformPaths _paths = new(Directory.CreateTempSubdirectory("framelease-up-").FullName);
    readonly ProcessWatcher _watcher = new();
    readonly ConcurrentQueue<ComponentChange> _changes = new();

    public ChildSupervisorTests() => _paths.Create();

    public void Dispose()
    {
        _watcher.Dispose();
        Directory.Delete(_paths.Root, recursive: true);
    }

    [Fact]
    public async Task A_child_runs_logs_is_recorded_and_ends_on_stop()
    {
        await using var child = Start("echo hello $WORD; exec sleep 1000", spec => spec with { Environment = new Dictionary<string, string> { ["WORD"] = "there" } });
        await child.Ready.WaitAsync(Deadline);
        await Eventually(() => Log().Contains("hello there"));
        var process = child.Current.ShouldNotBeNull();
        RunRecord.Read(_paths.Run, "child").ShouldBe(process);

        await child.StopAsync();

        process.IsAlive.ShouldBeFalse();
        RunRecord.Read(_paths.Run, "child").ShouldBeNull();
        _changes.Select(change => change.Phase).ShouldBe([ComponentPhase.Starting, ComponentPhase.Ready, ComponentPhase.Stopping, ComponentPhase.Stopped]);
    }

    [Fact]
    public async Task A_killed_child_is_started_again()
    {
        await using var child = Start("exec sleep 1000");
        await child.Ready.WaitAsync(Deadline);
        var first = child.Current.ShouldNotBeNull();

        first.Signal(Libc.SigKill);

        await Eventually(() => child.Current is { } now && now != first);
        child.Starts.ShouldBe(2);
        _changes.ShouldContain(change => change.Phase == ComponentPhase.Restarting && change.Detail!.Contains("killed by signal 9"));
    }

    [Fact]
    public async Task A_child_that_is_not_ready_yet_is_waited_for()
    {
        var ready = false;
        await using var child = Start("exec sleep 1000", spec => spec with { Readiness = _ => Task.FromResult(Volatile.Read(ref ready)) });
        await Eventually(() => child.Current is not null);
        child.Ready.IsCompleted.ShouldBeFalse();

        Volatile.Write(ref ready, true);

        await child.Ready.WaitAsync(Deadline);
    }

    [Fact]
    public async Task A_child_that_cannot_begin_says_why()
    {
        await using var child = Start("echo the reason >&2; exit 3", spec => spec with { Readiness = _ => Task.FromResult(false) });

        (await child.FirstFailure.WaitAsync(Deadline)).ShouldBe("ended with exit code 3");
        child.LogTail.ShouldContain("the reason");
    }

    [Fact]
    public async Task A_child_that_ignores_its_signal_is_killed_after_its_time()
    {
        await using var child = Start("trap '' TERM; echo deaf; while :; do sleep 0.05; done", spec => spec with { StopTimeout = TimeSpan.FromMilliseconds(200) });
        await Eventually(() => Log().Contains("deaf"));
        var process = child.Current.ShouldNotBeNull();

        await child.StopAsync();

        process.IsAlive.ShouldBeFalse();
    }

    [Fact]
    public void Restarts_wait_longer_each_time_and_good_running_starts_over()
    {
        var backOff = new RestartBackOff();
        var pauses = Enumerable.Range(0, 8).Select(_ => backOff.Next(TimeSpan.Zero).TotalSeconds).ToList();

        pauses.ShouldBe([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]);
        backOff.Next(TimeSpan.FromSeconds(31)).TotalSeconds.ShouldBe(0.2);
    }

    [Fact]
    public void A_log_over_its_cap_is_moved_beside()
    {
        var log = new CappedLog(Path.Combine(_paths.Logs, "x.log"), 10);
        File.WriteAllText(log.File, "short");
        log.Trim();
        File.Exists(log.File + ".1").ShouldBeFalse();
        File.WriteAllText(log.File, "longer than ten bytes");

        log.Trim();

        (new FileInfo(log.File).Length, File.ReadAllText(log.File + ".1")).ShouldBe((0, "longer than ten bytes"));
    }

    ChildSupervisor Start(string script, Func<ChildSpec, ChildSpec>? change = null) =>
        new((change ?? (spec => spec))(new ChildSpec("child", "/bin/sh", ["-c", script])), _paths, _watcher, _changes.Enqueue, NullLogger.Instance, TimeProvider.System);

    string Log() => File.Exists(Path.Combine(_paths.Logs, "child.log")) ? File.ReadAllText(Path.Combine(_paths.Logs, "child.log")) : "";
}
