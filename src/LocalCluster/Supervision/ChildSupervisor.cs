using System.Collections;
using Framelease.LocalCluster.Shim.Native;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Supervision;

/// <summary>Keeps one child running: starts it, waits until it serves, starts it again when it dies, ends it on stop.</summary>
sealed class ChildSupervisor : IAsyncDisposable
{
    internal const string PlatformMarker = "FRAMELEASE_PLATFORM";
    const long LogCap = 16 << 20;
    static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(20), TrimEvery = TimeSpan.FromSeconds(30);

    readonly ChildSpec _spec;
    readonly PlatformPaths _paths;
    readonly ProcessWatcher _watcher;
    readonly Action<ComponentChange> _changed;
    readonly ILogger _logger;
    readonly TimeProvider _time;
    readonly CappedLog _log;
    readonly CancellationTokenSource _stop = new();
    readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<string> _firstFailure = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task _running;
    int _starts;
    volatile bool _abandoned;

    internal ChildSupervisor(
        ChildSpec spec, PlatformPaths paths, ProcessWatcher watcher, Action<ComponentChange> changed, ILogger logger, TimeProvider time)
    {
        (_spec, _paths, _watcher, _changed, _logger, _time) = (spec, paths, watcher, changed, logger, time);
        _log = new CappedLog(Path.Combine(paths.Logs, spec.Name + ".log"), LogCap);
        _running = RunAsync(_stop.Token);
    }

    /// <summary>Completes when the child was ready for the first time.</summary>
    internal Task Ready => _ready.Task;

    /// <summary>Completes with what happened when the child ended before it was ever ready; it is started again all the same.</summary>
    internal Task<string> FirstFailure => _firstFailure.Task;

    internal string LogTail => _log.Tail();

    /// <summary>The running child; null between two runs.</summary>
    internal ProcessIdentity? Current { get; private set; }

    /// <summary>How often it was started.</summary>
    internal int Starts => Volatile.Read(ref _starts);

    /// <summary>Asks the child to end, insists after its timeout, and returns when it is gone.</summary>
    internal async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Stops supervising as if this process had been killed: the child and its record stay.</summary>
    internal Task AbandonAsync()
    {
        _abandoned = true;
        return StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    async Task RunAsync(CancellationToken stop)
    {
        var backOff = new RestartBackOff();
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            Tell(ComponentPhase.Starting, null);
            string ending;
            var healthy = TimeSpan.Zero;
            try
            {
                (ending, healthy) = await RunOnceAsync(stop);
            }
            catch (Exception e) when (e is SpawnException or IOException or UnauthorizedAccessException)
            {
                ending = e.Message;
            }
            if (stop.IsCancellationRequested)
                break;
            if (!_ready.Task.IsCompleted)
                _firstFailure.TrySetResult(ending);
            var pause = backOff.Next(healthy);
            Log.ChildEnded(_logger, _spec.Name, ending, pause.TotalMilliseconds);
            Tell(ComponentPhase.Restarting, $"{ending}; starts again in {pause.TotalSeconds:0.#} s; log: {_log.File}");
            try
            {
                await Task.Delay(pause, _time, stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        Tell(ComponentPhase.Stopped, null);
    }

    async Task<(string Ending, TimeSpan Healthy)> RunOnceAsync(CancellationToken stop)
    {
        _log.Trim();
        var pid = Spawn.Start(new SpawnRequest(_spec.Program, _spec.Arguments, Environment()) { OutputFile = _log.File });
        Interlocked.Increment(ref _starts);
        var process = ProcessIdentity.Of(pid) ?? new ProcessIdentity(pid, 0, ""); // ended already: the watcher reaps it
        Current = process;
        RunRecord.Write(_paths.Run, _spec.Name, process, _time.GetUtcNow());
        var ended = _watcher.WhenEnded(process);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var probing = ProbeAsync(over.Token);
        long? readySince = null;
        try
        {
            while (true)
            {
                var trim = Task.Delay(TrimEvery, _time, over.Token);
                var first = await Task.WhenAny(ended, readySince is null ? probing : ended, trim);
                if (first == ended)
                    return (Describe(await ended), readySince is { } since ? _time.GetElapsedTime(since) : TimeSpan.Zero);
                if (stop.IsCancellationRequested)
                {
                    if (_abandoned)
                        return ("abandoned", TimeSpan.Zero);
                    Tell(ComponentPhase.Stopping, null);
                    await EndAsync(process, ended);
                    return ("stopped", TimeSpan.Zero);
                }
                if (first == probing && await probing)
                {
                    readySince = _time.GetTimestamp();
                    _ready.TrySetResult();
                    Tell(ComponentPhase.Ready, null);
                }
                if (first == trim)
                    _log.Trim();
            }
        }
        finally
        {
            Current = null;
            await over.CancelAsync();
            if (!_abandoned)
                RunRecord.Delete(_paths.Run, _spec.Name);
        }
    }

    /// <summary>True when ready; false when cancelled.</summary>
    async Task<bool> ProbeAsync(CancellationToken ct)
    {
        try
        {
            while (_spec.Readiness is { } readiness && !await readiness(ct))
                await Task.Delay(ProbeEvery, _time, ct);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    async Task EndAsync(ProcessIdentity process, Task<int?> ended)
    {
        process.Signal(_spec.StopSignal);
        if (await Task.WhenAny(ended, Task.Delay(_spec.StopTimeout, _time, CancellationToken.None)) != ended)
        {
            Log.ChildKilled(_logger, _spec.Name, _spec.StopTimeout.TotalSeconds);
            process.Signal(Libc.SigKill);
            await ended;
        }
    }

    /// <summary>Ours, the spec's on top, and the mark by which a later supervisor finds what we left.</summary>
    List<string> Environment()
    {
        var variables = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach (var (name, value) in _spec.Environment)
            variables[name] = value;
        variables[PlatformMarker] = _paths.Root;
        return [.. variables.Select(pair => $"{pair.Key}={pair.Value}")];
    }

    void Tell(ComponentPhase phase, string? detail) => _changed(new ComponentChange(_spec.Name, phase, detail, _time.GetUtcNow()));

    static string Describe(int? status) => status switch
    {
        null => "ended",
        { } s when (s & 0x7f) == 0 => $"ended with exit code {(s >> 8) & 0xff}",
        { } s => $"killed by signal {s & 0x7f}",
    };
}
