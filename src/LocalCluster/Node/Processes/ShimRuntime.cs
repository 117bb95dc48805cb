using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node.Processes;

/// <summary>Runs containers under <c>framelease-shim</c>, one shim a run; the records are files in the run's directory.</summary>
sealed class ShimRuntime : IPodRuntime, IDisposable
{
    /// <summary>Two looks that both find nothing are needed before leftovers count as gone: a process is without environment while it execs.</summary>
    const int EmptyLooks = 2;

    static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);

    readonly string _shim;
    readonly PodPaths _paths;
    readonly ILogger _logger;
    readonly TimeProvider _time;
    readonly ProcessWatcher _watcher = new();
    readonly ConcurrentDictionary<RunId, Lazy<Task<ExitRecord>>> _waits = new();
    readonly CancellationTokenSource _disposed = new();
    readonly string[] _shimEnvironment;

    internal ShimRuntime(string shimProgram, PodPaths paths, ILogger logger, TimeProvider time)
    {
        (_shim, _paths, _logger, _time) = (shimProgram, paths, logger, time);
        _shimEnvironment =
        [
            "DOTNET_ROOT=" + (Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? DotnetRoot()),
            "DOTNET_EnableDiagnostics=0", // no diagnostics socket and thread: faster and smaller
            "DOTNET_TieredCompilation=1",
        ];
    }

    public async Task<RunState> StartAsync(RunId run, LaunchPlan plan, CancellationToken ct)
    {
        var directory = Directory(run);
        System.IO.Directory.CreateDirectory(directory.Path);
        if (!File.Exists(directory.Spec))
            AtomicFile.Write(directory.Spec, Spec(run, plan).Serialize(), durable: false);
        var said = _watcher.WhenSpoken(StartShim(run, directory));
        await said.WaitAsync(ct);
        return Look(run);
    }

    public RunState Look(RunId run)
    {
        var directory = Directory(run);
        if (ExitRecord.Read(directory) is { } exit)
            return new RunState.Ended(exit);
        if (ShimState.Read(directory) is { } state)
            return new RunState.Active(state.Main, state.Main is null ? null : state.StartedAt, state.Limits);
        return File.Exists(directory.Spec) ? new RunState.Active(null, null, "") : new RunState.Absent();
    }

    public Task<ExitRecord> WaitAsync(RunId run, CancellationToken ct) =>
        _waits.GetOrAdd(run, static (id, self) => new(() => self.EndOfAsync(id, self._disposed.Token)), this).Value.WaitAsync(ct);

    public void Stop(RunId run, int graceSeconds)
    {
        var directory = Directory(run);
        if (ExitRecord.Read(directory) is not null || ShimState.Read(directory) is not { } state)
            return;
        AtomicFile.Write(directory.Stop, System.Text.Encoding.ASCII.GetBytes(graceSeconds.ToString()), durable: false);
        state.Shim.Signal(graceSeconds <= 0 ? Libc.SigQuit : Libc.SigTerm);
    }

    public IReadOnlyList<RunId> Known(string? podUid = null)
    {
        var runs = new List<RunId>();
        var pods = podUid is not null ? [_paths.Pod(podUid)]
            : System.IO.Directory.Exists(_paths.Pods) ? System.IO.Directory.GetDirectories(_paths.Pods) : [];
        foreach (var pod in pods.Where(System.IO.Directory.Exists))
            foreach (var container in System.IO.Directory.EnumerateDirectories(pod).Where(path => Path.GetFileName(path)[0] != '.'))
                foreach (var run in System.IO.Directory.EnumerateDirectories(container))
                    if (int.TryParse(Path.GetFileName(run), out var number) && File.Exists(new ContainerDirectory(run).Spec))
                        runs.Add(new RunId(Path.GetFileName(pod), Path.GetFileName(container), number));
        runs.Sort((a, b) => a.Number.CompareTo(b.Number));
        return runs;
    }

    public IReadOnlyList<ProcessIdentity> Processes(string podUid) => MarkedProcesses.Find(podUid, null);

    public void Forget(string podUid)
    {
        foreach (var run in _waits.Keys)
            if (run.PodUid == podUid)
                _waits.TryRemove(run, out _);
        if (System.IO.Directory.Exists(_paths.Pod(podUid)))
            System.IO.Directory.Delete(_paths.Pod(podUid), recursive: true);
    }

    public void Dispose()
    {
        _disposed.Cancel();
        _watcher.Dispose();
        _disposed.Dispose();
    }

    ContainerDirectory Directory(RunId run) => new(_paths.Run(run));

    ShimSpec Spec(RunId run, LaunchPlan plan) => new()
    {
        PodUid = run.PodUid,
        Container = run.Container,
        Program = plan.Program,
        Arguments = plan.Arguments,
        Environment =
        [
            .. plan.Environment.Select(pair => $"{pair.Key}={pair.Value}"),
            $"{ShimSpec.PodMarker}={run.PodUid}",
            $"{ShimSpec.ContainerMarker}={run.Container}",
        ],
        WorkingDirectory = plan.WorkingDirectory,
        LogFile = _paths.Log(run),
        GraceSeconds = plan.GraceSeconds,
        CpuMillis = plan.CpuMillis,
        MemoryBytes = plan.MemoryBytes,
    };

    /// <summary>Starts the shim and returns the reading end of the pipe on which it tells that the program runs.</summary>
    int StartShim(RunId run, ContainerDirectory directory)
    {
        var (reading, writing) = Pipe.Open();
        try
        {
            // The shim is marked too: a scan that finds nothing then also means that no shim is on its way.
            var pid = Spawn.Start(new SpawnRequest(_shim, [directory.Path],
                [.. _shimEnvironment, $"{ShimSpec.PodMarker}={run.PodUid}", $"{ShimSpec.ContainerMarker}={run.Container}"])
            {
                StandardOutput = writing,
                OutputFile = Path.Combine(directory.Path, "shim.log"),
            });
            if (ProcessIdentity.Of(pid) is { } shim)
                _ = _watcher.WhenEnded(shim); // reaps it, whoever waits for the run
            return reading;
        }
        catch
        {
            _ = Libc.close(reading);
            throw;
        }
        finally
        {
            _ = Libc.close(writing);
        }
    }

    async Task<ExitRecord> EndOfAsync(RunId run, CancellationToken ct)
    {
        var directory = Directory(run);
        if (ExitRecord.Read(directory) is { } before)
            return before;
        if (!File.Exists(directory.Spec))
        {
            // Records that were lost: no shim may begin here any more; what is left of the run ends, and it is told as unknown.
            System.IO.Directory.CreateDirectory(directory.Path);
            directory.TryClaim();
        }
        // Without a state file the shim is still on its way, or never came. The claim decides: whoever takes it first.
        while (File.Exists(directory.Spec) && ShimState.Read(directory) is null && !(NoProcessOf(run) && directory.TryClaim()) && !(directory.IsClaimed && NoProcessOf(run)))
            await Task.Delay(LookInterval, _time, ct);
        var state = ShimState.Read(directory);
        if (state is { Shim: var shim } && shim.BootId == ProcessIdentity.CurrentBootId)
            await _watcher.WhenEnded(shim).WaitAsync(ct);
        if (ExitRecord.Read(directory) is { } exit)
            return exit;

        var killed = await EndLeftoversAsync(run, ct);
        Log.ShimVanished(_logger, run.ToString(), killed);
        var record = new ExitRecord(
            128 + Libc.SigKill, null, state?.Main is null ? null : state.StartedAt, _time.GetUtcNow(), Reason: "ContainerStatusUnknown",
            Message: "The container's end was not observed; no process of it is left.", Killed: killed);
        AtomicFile.Write(directory.Exit, record.ToJson());
        return record;
    }

    static bool NoProcessOf(RunId run) => MarkedProcesses.Find(run.PodUid, run.Container).Count == 0;

    /// <summary>Kills until nothing is found any more; waits as long as that takes, because nothing less is proof.</summary>
    async Task<int> EndLeftoversAsync(RunId run, CancellationToken ct)
    {
        var seen = new HashSet<ProcessIdentity>();
        for (var empty = 0; empty < EmptyLooks;)
        {
            var left = MarkedProcesses.Find(run.PodUid, run.Container);
            empty = left.Count == 0 ? empty + 1 : 0;
            foreach (var process in left)
            {
                seen.Add(process);
                process.Signal(Libc.SigKill);
            }
            await Task.Delay(LookInterval, _time, ct);
        }
        return seen.Count;
    }

    static string DotnetRoot() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
}
