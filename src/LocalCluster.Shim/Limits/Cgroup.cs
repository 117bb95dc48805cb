using System.Globalization;

namespace Framelease.LocalCluster.Shim.Limits;

/// <summary>
/// One control group for one container, under the group that we run in (cgroup v2 or v1), where that is writable. The shim enters it, starts
/// the program, and leaves: the program is inside from its first instruction and the shim is not counted.
/// </summary>
sealed class Cgroup
{
    const string Root = "/sys/fs/cgroup";
    readonly string _directory;
    readonly string? _home;

    Cgroup(string directory, string? home) => (_directory, _home) = (directory, home);

    /// <summary>Memory in bytes; null when no such group can be made here.</summary>
    internal static Cgroup? TryMemory(string name, long bytes) =>
        Try("memory", name, "memory.max", [("memory.max", Text(bytes)), ("memory.swap.max", "0"), ("memory.oom.group", "1")])
        ?? TryV1("memory", name, [("memory.limit_in_bytes", Text(bytes))]);

    /// <summary>CPU in thousandths; null when no such group can be made here.</summary>
    internal static Cgroup? TryCpu(string name, long millis) =>
        Try("cpu", name, "cpu.max", [("cpu.max", $"{Text(millis * 100)} 100000")])
        ?? TryV1("cpu", name, [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", Text(Math.Max(1000, millis * 100)))]);

    /// <summary>The limit of an existing group, when both limits can share it (v2).</summary>
    internal bool TryAddCpu(long millis) => TryWrite("cpu.max", $"{Text(millis * 100)} 100000");

    internal bool Enter() => TryWrite("cgroup.procs", Text(Environment.ProcessId));

    internal void Leave()
    {
        if (_home is not null)
            _ = TryWriteFile(Path.Combine(_home, "cgroup.procs"), Text(Environment.ProcessId));
    }

    internal bool OomKilled => Counter("memory.events") > 0 || Counter("memory.oom_control") > 0;

    internal void Remove()
    {
        try
        {
            Directory.Delete(_directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // an empty group costs nothing and the name is never used again
        }
    }

    static Cgroup? Try(string controller, string name, string proof, (string File, string Value)[] settings)
    {
        foreach (var mount in new[] { Root, Root + "/unified" })
        {
            if (!File.Exists(Path.Combine(mount, "cgroup.controllers")) || OwnPath("0", "") is not { } own)
                continue;
            var home = mount + own.TrimEnd('/');
            // A group that holds processes may not have limited children (except the real root), so its parent is tried too.
            foreach (var parent in new[] { home, Path.GetDirectoryName(home)!, mount })
            {
                if (!parent.StartsWith(mount, StringComparison.Ordinal))
                    continue;
                _ = TryWriteFile(Path.Combine(parent, "cgroup.subtree_control"), "+" + controller);
                if (Create(Path.Combine(parent, name), proof, settings, home) is { } group)
                    return group;
            }
        }
        return null;
    }

    static Cgroup? TryV1(string controller, string name, (string File, string Value)[] settings)
    {
        var mount = Path.Combine(Root, controller);
        if (!Directory.Exists(mount) || OwnPath(null, controller) is not { } own)
            return null;
        // Inside a container the path may be the host's and not exist here: then the mount's root is our group.
        var home = Directory.Exists(mount + own) ? mount + own.TrimEnd('/') : mount;
        return Create(Path.Combine(home, name), settings[0].File, settings, home);
    }

    static Cgroup? Create(string directory, string proof, (string File, string Value)[] settings, string home)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        var group = new Cgroup(directory, home);
        var (file, value) = settings[0];
        if (File.Exists(Path.Combine(directory, proof)) && group.TryWrite(file, value))
        {
            foreach (var (more, setting) in settings[1..])
                _ = group.TryWrite(more, setting);
            if (group.Enter())
            {
                group.Leave();
                return group;
            }
        }
        group.Remove();
        return null;
    }

    static string? OwnPath(string? hierarchy, string controller)
    {
        foreach (var line in File.ReadLines("/proc/self/cgroup"))
        {
            var parts = line.Split(':', 3);
            if (parts.Length == 3 && (hierarchy is null || parts[0] == hierarchy) && parts[1].Split(',').Contains(controller))
                return parts[2];
        }
        return null;
    }

    long Counter(string file)
    {
        try
        {
            foreach (var line in File.ReadLines(Path.Combine(_directory, file)))
                if (line.StartsWith("oom_kill ", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the other version's file
        }
        return 0;
    }

    bool TryWrite(string file, string value) => TryWriteFile(Path.Combine(_directory, file), value);

    static bool TryWriteFile(string path, string value)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(value));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
