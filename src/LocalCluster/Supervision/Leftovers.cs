using System.Text;
using Framelease.LocalCluster.Shim.Native;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Supervision;

/// <summary>Ends what a killed platform left on a directory: its API server, node and operator, found by record and by mark. Pods stay.</summary>
static class Leftovers
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), LookEvery = TimeSpan.FromMilliseconds(20);

    internal static async Task EndAsync(PlatformPaths paths, IReadOnlyList<string> names, ILogger logger, TimeProvider time, CancellationToken ct)
    {
        var left = Find(paths, names);
        foreach (var process in left)
        {
            Log.EndingLeftover(logger, process.Pid, paths.Root);
            process.Signal(Libc.SigTerm);
        }
        for (var asked = time.GetTimestamp(); left.Any(process => process.IsAlive); await Task.Delay(LookEvery, time, ct))
            if (time.GetElapsedTime(asked) > Patience)
                foreach (var process in left)
                    process.Signal(Libc.SigKill);
        foreach (var name in names)
            RunRecord.Delete(paths.Run, name);
    }

    static HashSet<ProcessIdentity> Find(PlatformPaths paths, IReadOnlyList<string> names)
    {
        var found = new HashSet<ProcessIdentity>();
        foreach (var name in names)
            if (RunRecord.Read(paths.Run, name) is { IsAlive: true } process)
                found.Add(process);
        // A platform killed between a child's start and its record left no record; the mark in the environment is there from the first moment.
        var mark = Encoding.UTF8.GetBytes($"{ChildSupervisor.PlatformMarker}={paths.Root}");
        foreach (var process in ProcessTree.All())
            if (!process.IsZombie && process.Pid != Environment.ProcessId && ProcessTree.Carries(process.Pid, mark))
                found.Add(new ProcessIdentity(process.Pid, process.StartTicks, ProcessIdentity.CurrentBootId));
        return found;
    }
}
