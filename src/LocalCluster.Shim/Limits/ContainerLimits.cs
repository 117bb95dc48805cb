using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Shim.Limits;

/// <summary>
/// CPU and memory limits of one container: by control groups where they are writable; otherwise memory is looked at once a second and the
/// tree killed when it holds more, and CPU is not limited. What was done is said in <see cref="Description"/>.
/// </summary>
sealed class ContainerLimits
{
    readonly Cgroup? _memory;
    readonly Cgroup? _cpu;
    readonly long? _sampledBytes;
    volatile bool _sampledOom;

    internal ContainerLimits(ShimSpec spec)
    {
        var name = $"framelease-{spec.PodUid}-{spec.Container}-{Environment.ProcessId}";
        if (spec.MemoryBytes is { } bytes)
        {
            _memory = Cgroup.TryMemory(name, bytes);
            if (_memory is null)
                _sampledBytes = bytes;
        }
        var cpuInMemoryGroup = spec.CpuMillis is { } millis && _memory?.TryAddCpu(millis) == true;
        if (spec.CpuMillis is { } wanted && !cpuInMemoryGroup)
            _cpu = Cgroup.TryCpu(name, wanted);
        var memoryText = spec.MemoryBytes is null ? "" : _memory is null ? "memory sampled" : "memory by cgroup";
        var cpuText = spec.CpuMillis is null ? "" : _cpu is null && !cpuInMemoryGroup ? "cpu not enforced" : "cpu by cgroup";
        Description = $"{memoryText}{(memoryText != "" && cpuText != "" ? ", " : "")}{cpuText}";
    }

    internal string Description { get; }

    internal bool OomKilled => _sampledOom || _memory?.OomKilled == true;

    internal void Enter()
    {
        _memory?.Enter();
        _cpu?.Enter();
    }

    internal void Leave()
    {
        _memory?.Leave();
        _cpu?.Leave();
    }

    internal void Remove()
    {
        _memory?.Remove();
        _cpu?.Remove();
    }

    /// <summary>Starts looking at the tree's memory if no control group does it.</summary>
    internal void Watch()
    {
        if (_sampledBytes is not { } limit)
            return;
        new Thread(() =>
        {
            for (; ; Libc.Pause(1000))
                if (TreeBytes() > limit)
                {
                    _sampledOom = true;
                    ProcessTree.KillDescendants(Environment.ProcessId);
                }
        })
        { IsBackground = true, Name = "memory limit" }.Start();
    }

    static long TreeBytes()
    {
        long total = 0;
        foreach (var process in ProcessTree.Descendants(ProcessTree.All(), Environment.ProcessId))
            total += AnonymousBytes(process.Pid);
        return total;
    }

    static long AnonymousBytes(int pid)
    {
        try
        {
            long kilobytes = 0;
            foreach (var line in File.ReadLines($"/proc/{pid}/status"))
                if (line.StartsWith("RssAnon:", StringComparison.Ordinal) || line.StartsWith("RssShmem:", StringComparison.Ordinal))
                    kilobytes += long.Parse(line.AsSpan(9).Trim().TrimEnd("kB").Trim());
            return kilobytes * 1024;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
