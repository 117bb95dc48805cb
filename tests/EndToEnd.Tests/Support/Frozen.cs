using System.Globalization;
using Framelease.Cli.Processes;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>A process and its children, stopped by SIGSTOP until disposed.</summary>
sealed class Frozen : IDisposable
{
    const int Stop = 19, Continue = 18;

    readonly List<int> _pids;

    public Frozen(int pid)
    {
        // The parent first, so that it starts none that would be missed.
        Signals.Send(pid, Stop).ShouldBeTrue($"process {pid} was not running");
        _pids = [pid, .. ChildrenOf(pid)];
        foreach (var child in _pids.Skip(1))
            Signals.Send(child, Stop);
    }

    public void Dispose()
    {
        foreach (var pid in Enumerable.Reverse(_pids))
            Signals.Send(pid, Continue);
    }

    static IEnumerable<int> ChildrenOf(int pid) => Directory.EnumerateDirectories($"/proc/{pid}/task").SelectMany(
        thread => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture)));
}
