using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Framelease.Cli.Processes;

namespace Framelease.Cli.Leases;

/// <summary>
/// The command of <c>lease run</c>: a child with this program's own standard streams, started with an argument list, and marked in its
/// environment so that what outlives it is found.
/// </summary>
sealed class CommandProcess : IDisposable
{
    /// <summary>In the environment of the command and of everything that it starts.</summary>
    public const string Marker = "FRAMELEASE_LEASE_UID";

    /// <summary>The leases under which this very program was started, if any; separated by commas.</summary>
    public const string OuterMarker = "FRAMELEASE_OUTER_LEASES";

    const int ErrorNoEntry = 2;
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    readonly Process _process;
    readonly string _mark;
    readonly TimeProvider _time;
    readonly Lock _gate = new();
    Task? _stopping;

    CommandProcess(Process process, string mark, TimeProvider time)
    {
        (_process, _mark, _time) = (process, mark, time);
        Exited = process.WaitForExitAsync();
    }

    public Task Exited { get; }

    /// <summary>Its own, or 128 + n when signal n ended it.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The end of a stop that was asked for, if one was.</summary>
    public Task Stopped
    {
        get
        {
            lock (_gate)
                return _stopping ?? Task.CompletedTask;
        }
    }

    /// <exception cref="CliException">It cannot be started: <see cref="LeaseExit.NotFound"/> or <see cref="LeaseExit.NotExecutable"/>.</exception>
    public static CommandProcess Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, string leaseUid, TimeProvider time)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        // One lease inside another: what runs under the inner one may use the outer one's device, too.
        if (start.Environment.TryGetValue(Marker, out var outer) && !string.IsNullOrEmpty(outer))
        {
            start.Environment[OuterMarker] = start.Environment.TryGetValue(OuterMarker, out var more) && !string.IsNullOrEmpty(more)
                ? $"{outer},{more}" : outer;
        }

        start.Environment[Marker] = leaseUid;
        try
        {
            return new CommandProcess(Process.Start(start)!, $"{Marker}={leaseUid}", time);
        }
        catch (Win32Exception e)
        {
            var missing = e.NativeErrorCode == ErrorNoEntry;
            var why = missing ? "there is no such program" : $"it cannot be executed ({Marshal.GetPInvokeErrorMessage(e.NativeErrorCode)})";
            throw new CliException($"{command[0]}: {why}; nothing was run", missing ? LeaseExit.NotFound : LeaseExit.NotExecutable, e);
        }
    }

    /// <summary>To the command itself; what it started is its own business until it has ended.</summary>
    public void Signal(int number)
    {
        lock (_gate)
        {
            // An ended process is never signalled: its number may belong to another by now.
            if (!_process.HasExited)
                Signals.Send(_process.Id, number);
        }
    }

    /// <summary>SIGTERM, and after the grace SIGKILL to it and to all that it started. Asked twice, the first grace holds.</summary>
    public Task StopAsync(TimeSpan grace)
    {
        lock (_gate)
            return _stopping ??= StopOnceAsync(grace);
    }

    public void Kill()
    {
        lock (_gate)
        {
            if (_process.HasExited)
                return;
            try
            {
                _process.Kill(entireProcessTree: true);
            }
            catch (Exception e) when (e is AggregateException or Win32Exception)
            {
                // A program of another user among them: what is left is looked for afterwards.
            }
        }
    }

    /// <summary>Ends what the command left behind. False when something of it still runs: then the device may be in use.</summary>
    /// <param name="grace">From SIGTERM to SIGKILL.</param>
    public async Task<bool> EndLeftoversAsync(LeaseSay say, TimeSpan grace, TimeSpan within)
    {
        var left = MarkedProcesses.Find(_mark);
        if (left.Count == 0)
            return true;
        say.Note($"the command left {left.Count} processes behind ({string.Join(", ", left.Take(10))}): ending them");
        var started = _time.GetTimestamp();
        var signal = grace > TimeSpan.Zero ? Signals.Term : Signals.Kill;
        while (left.Count > 0 && _time.GetElapsedTime(started) < within)
        {
            foreach (var pid in left)
                Signals.Send(pid, signal);
            await Task.Delay(Look, _time, CancellationToken.None);
            if (_time.GetElapsedTime(started) > grace)
                signal = Signals.Kill;
            left = MarkedProcesses.Find(_mark);
        }

        return left.Count == 0;
    }

    public void Dispose()
    {
        lock (_gate)
            _process.Dispose();
    }

    async Task StopOnceAsync(TimeSpan grace)
    {
        Signal(Signals.Term);
        using var over = new CancellationTokenSource();
        await Task.WhenAny(Exited, Task.Delay(grace, _time, over.Token));
        await over.CancelAsync();
        Kill();
    }
}
