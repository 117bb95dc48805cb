using System.Text;
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Processes;

/// <summary>Finds the processes of a pod by the mark in their environment, for when the shim that could have told is gone.</summary>
static class MarkedProcesses
{
    /// <param name="container">Null = of every container.</param>
    internal static List<ProcessIdentity> Find(string podUid, string? container)
    {
        var pod = Encoding.UTF8.GetBytes($"{ShimSpec.PodMarker}={podUid}");
        var name = container is null ? null : Encoding.UTF8.GetBytes($"{ShimSpec.ContainerMarker}={container}");
        var all = ProcessTree.All();
        var marked = new List<ProcessStat>();
        foreach (var process in all)
            if (!process.IsZombie && ProcessTree.Carries(process.Pid, pod) && (name is null || ProcessTree.Carries(process.Pid, name)))
                marked.Add(process);
        if (marked.Count == 0)
            return [];
        // A child that replaced its environment is found through its parent.
        marked.AddRange(ProcessTree.Descendants(all, [.. marked.Select(process => process.Pid)]).Where(process => !process.IsZombie));
        return [.. marked.Select(process => new ProcessIdentity(process.Pid, process.StartTicks, ProcessIdentity.CurrentBootId))];
    }
}
