using System.Runtime.InteropServices;
using Framelease.LocalCluster.Shim.Limits;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Shim;

/// <summary>
/// One container from claim to exit record. The shim is the subreaper of everything that the program starts: an orphan, however often it
/// forked and whatever session it made, becomes our child, so "no child left" (ECHILD) means that nothing of the tree is left.
/// </summary>
sealed class ContainerRun(ContainerDirectory directory, ShimSpec spec, TimeProvider time)
{
    readonly Lock _gate = new();
    int _main;
    bool _stopping;

    internal int Execute()
    {
        _ = Libc.setsid(); // fails if our starter already made us a session leader, which is as good
        _ = Libc.prctl(Libc.SetChildSubreaper, 1, 0, 0, 0);
        if (!directory.TryClaim())
            return 3; // a node gave this container up before we came
        using var stop = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, immediately: false));
        using var kill = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context => Stop(context, immediately: true));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);

        var self = ProcessIdentity.Of(Environment.ProcessId)!;
        var limits = new ContainerLimits(spec);
        var started = time.GetUtcNow();
        WriteState(new ShimState(self, null, started, limits.Description));
        if (Start(limits) is { } failure)
        {
            limits.Remove();
            return Finish(new ExitRecord(128, null, started, time.GetUtcNow(), Reason: "StartError", Message: failure));
        }
        var main = ProcessStat.Read(_main)!; // a zombie at worst: only we reap it
        started = time.GetUtcNow();
        WriteState(new ShimState(self, new ProcessIdentity(_main, main.StartTicks, self.BootId), started, limits.Description));
        TellStarter();
        AtomicFile.Flush(directory.State);
        limits.Watch();

        var (status, killed) = Reap();
        var signal = (status & 0x7f) is > 0 and < 0x7f and var number ? number : (int?)null;
        var record = new ExitRecord(
            signal is null ? (status >> 8) & 0xff : 128 + signal.Value, signal, started, time.GetUtcNow(), limits.OomKilled, Killed: killed);
        limits.Remove();
        return Finish(record);
    }

    /// <summary>Starts the program; returns why it could not.</summary>
    string? Start(ContainerLimits limits)
    {
        var program = Spawn.FindProgram(spec.Program, spec.Variable("PATH"));
        if (program is null)
            return $"exec: \"{spec.Program}\": not found in PATH";
        try
        {
            lock (_gate)
            {
                if (_stopping)
                    return "stopped before the program was started";
                limits.Enter();
                try
                {
                    _main = Spawn.Start(new SpawnRequest(program, spec.Arguments, spec.Environment)
                    {
                        WorkingDirectory = spec.WorkingDirectory,
                        OutputFile = spec.LogFile,
                    });
                }
                finally
                {
                    limits.Leave();
                }
            }
            PreferAsVictim(_main);
            return null;
        }
        catch (SpawnException e)
        {
            return e.Message;
        }
    }

    /// <summary>Reaps until there is no child. From the main process's end on, whatever is left of the tree is killed.</summary>
    (int Status, int Killed) Reap()
    {
        int mainStatus = 0, killed = 0;
        var main = _main;
        var mainEnded = false;
        while (true)
        {
            var pid = Libc.waitpid(-1, out var status, mainEnded ? Libc.WaitNoHang : 0);
            if (pid == main && !mainEnded)
            {
                (mainEnded, mainStatus) = (true, status);
                lock (_gate)
                    _main = 0; // the pid is free for others now: no signal may go there
                killed = ProcessTree.KillDescendants(Environment.ProcessId);
            }
            else if (pid == 0)
            {
                // Something still lives: it forked while we looked, or it is stuck in the kernel. Keep killing until it is gone.
                ProcessTree.KillDescendants(Environment.ProcessId);
                Libc.Pause(5);
            }
            else if (pid < 0 && Marshal.GetLastPInvokeError() == Libc.Echild)
            {
                return (mainStatus, killed);
            }
        }
    }

    /// <summary>Runs on a thread of the runtime: SIGTERM to the main process, and after the grace SIGKILL to the whole tree.</summary>
    void Stop(PosixSignalContext context, bool immediately)
    {
        context.Cancel = true;
        lock (_gate)
        {
            if (!immediately && _main > 0)
                _ = Libc.kill(_main, Libc.SigTerm);
            _stopping = true;
        }
        var grace = immediately ? 0 : Grace();
        new Thread(() =>
        {
            for (var left = grace * 1000L; left > 0;)
            {
                var part = (int)Math.Min(left, 60_000);
                Libc.Pause(part);
                left -= part;
            }
            ProcessTree.KillDescendants(Environment.ProcessId);
        })
        { IsBackground = true, Name = "grace" }.Start();
    }

    int Grace() =>
        AtomicFile.TryRead(directory.Stop) is { } text && int.TryParse(text, out var seconds) ? Math.Max(0, seconds) : spec.GraceSeconds;

    int Finish(ExitRecord record)
    {
        AtomicFile.Write(directory.Exit, record.ToJson());
        return 0;
    }

    /// <summary>Not flushed: a power cut takes the processes with it, and the changed boot id says so.</summary>
    void WriteState(ShimState state) => AtomicFile.Write(directory.State, state.ToJson(), durable: false);

    /// <summary>One byte on stdout: the program runs and the state file says so. Nobody may be listening any more.</summary>
    static unsafe void TellStarter()
    {
        byte started = (byte)'S';
        _ = Libc.write(1, &started, 1);
        _ = Libc.close(1);
    }

    /// <summary>When memory runs out, the kernel shall take a pod and not the platform.</summary>
    static void PreferAsVictim(int pid)
    {
        try
        {
            File.WriteAllText($"/proc/{pid}/oom_score_adj", "500");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // already gone, or not allowed here: a preference only
        }
    }
}
