using Framelease.Kubernetes.Models;

namespace Framelease.LocalCluster.Node.Devices;

/// <summary>
/// Who has how much of the node's counted resources (devices). CPU and memory are not counted: this is somebody's own machine, and the
/// operating system shares them.
/// </summary>
sealed class ResourceLedger(IReadOnlyDictionary<string, long> allocatable)
{
    readonly Lock _gate = new();
    readonly Dictionary<string, IReadOnlyDictionary<string, long>> _taken = [];

    /// <summary>Takes what the pod asks for; returns why not, or null. A pod that has it already keeps it.</summary>
    internal string? TryTake(Pod pod)
    {
        var wanted = Wanted(pod);
        lock (_gate)
        {
            if (_taken.ContainsKey(pod.Metadata.Uid!))
                return null;
            foreach (var (name, count) in wanted)
            {
                var free = allocatable.GetValueOrDefault(name) - _taken.Values.Sum(taken => taken.GetValueOrDefault(name));
                if (count > free)
                    return $"0/1 nodes are available: 1 Insufficient {name} (asked {count}, free {free} of {allocatable.GetValueOrDefault(name)}).";
            }
            _taken[pod.Metadata.Uid!] = wanted;
            return null;
        }
    }

    /// <summary>For pods that were bound before this node began: they have what they have.</summary>
    internal void Take(Pod pod)
    {
        lock (_gate)
            _taken.TryAdd(pod.Metadata.Uid!, Wanted(pod));
    }

    internal void Return(string podUid)
    {
        lock (_gate)
            _taken.Remove(podUid);
    }

    static Dictionary<string, long> Wanted(Pod pod)
    {
        var wanted = new Dictionary<string, long>();
        foreach (var container in pod.Spec?.Containers ?? [])
            foreach (var (name, text) in container.Resources?.Limits ?? container.Resources?.Requests ?? new Dictionary<string, string>())
                if (name.Contains('/', StringComparison.Ordinal) && Quantity.TryParse(text, out var count))
                    wanted[name] = wanted.GetValueOrDefault(name) + (long)count;
        return wanted;
    }
}
