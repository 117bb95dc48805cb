using System.Diagnostics;

namespace Framelease.Media.Running;

/// <summary>A started program with its pipes, in its own process group where setsid is there. Disposing kills what still runs.</summary>
sealed class ChildProcess : IDisposable
{
    readonly Process _process;
    readonly bool _group;
    readonly Lock _gate = new();
    bool _disposed;

    ChildProcess(Process process, bool group)
    {
        _process = process;
        Id = process.Id;
        _group = group;
        Exited = process.WaitForExitAsync();
    }

    public int Id { get; }

    public Stream Output => _process.StandardOutput.BaseStream;

    public Stream Error => _process.StandardError.BaseStream;

    /// <summary>Ends when the process has ended and its pipes are closed.</summary>
    public Task Exited { get; }

    /// <summary>128 + signal number when a signal ended it.</summary>
    public int ExitCode => _process.ExitCode;

    public static ChildProcess Start(
        FfmpegPrograms programs, string program, IEnumerable<string> arguments, RunLimits limits, IReadOnlyDictionary<string, string>? environment)
    {
        var (file, line) = limits.Wrap(programs, program, arguments);
        var start = new ProcessStartInfo(file, line)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        // where the worker's token lies is the worker's own business; the marks by which a node finds a pod's processes stay
        start.Environment.Remove("FRAMELEASE_TOKEN_FILE");
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return new ChildProcess(process, programs.Setsid is not null);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new MediaException(MediaFailure.NotInstalled, $"The program '{file}' could not be started: {e.Message}", inner: e);
        }
    }

    public void Terminate() => Send(Native.SigTerm);

    public void Kill() => Send(Native.SigKill);

    public void Dispose()
    {
        Kill();
        lock (_gate)
        {
            _disposed = true;
            _process.Dispose();
        }
    }

    void Send(int signal)
    {
        lock (_gate)
        {
            // an ended process is never signalled: its number may belong to another by now
            if (!_disposed && !_process.HasExited && !Native.Signal(_process.Id, _group, signal) && _group)
                Native.Signal(_process.Id, group: false, signal); // between fork and setsid there is no group yet
        }
    }
}
