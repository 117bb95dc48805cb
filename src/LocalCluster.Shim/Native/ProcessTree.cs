namespace Framelease.LocalCluster.Shim.Native;

/// <summary>Looks at /proc: who descends from whom, and who carries a marker in its environment.</summary>
static class ProcessTree
{
    /// <summary>Every process that /proc shows now. It is no atomic picture: callers repeat until nothing is left.</summary>
    internal static List<ProcessStat> All()
    {
        var all = new List<ProcessStat>(256);
        foreach (var path in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(path.AsSpan("/proc/".Length), out var pid) && ProcessStat.Read(pid) is { } stat)
                all.Add(stat);
        return all;
    }

    /// <summary>All descendants of the given processes, the given ones excluded, zombies included.</summary>
    internal static List<ProcessStat> Descendants(IReadOnlyCollection<ProcessStat> all, params ReadOnlySpan<int> roots)
    {
        var known = new HashSet<int>();
        foreach (var root in roots)
            known.Add(root);
        var found = new List<ProcessStat>();
        for (var grown = true; grown;)
        {
            grown = false;
            foreach (var process in all)
                if (known.Contains(process.Parent) && known.Add(process.Pid))
                {
                    found.Add(process);
                    grown = true;
                }
        }
        return found;
    }

    /// <summary>Sends SIGKILL to every descendant of the process; returns how many were still alive.</summary>
    internal static int KillDescendants(int pid)
    {
        var alive = 0;
        foreach (var process in Descendants(All(), pid))
            if (!process.IsZombie)
            {
                alive++;
                _ = Libc.kill(process.Pid, Libc.SigKill);
            }
        return alive;
    }

    /// <summary>True if the environment that the process was started with holds exactly <paramref name="marker"/> ("NAME=value").</summary>
    internal static bool Carries(int pid, ReadOnlySpan<byte> marker)
    {
        try
        {
            var environment = File.ReadAllBytes($"/proc/{pid}/environ").AsSpan();
            while (environment.Length >= marker.Length)
            {
                var end = environment.IndexOf((byte)0);
                var entry = end < 0 ? environment : environment[..end];
                if (entry.SequenceEqual(marker))
                    return true;
                if (end < 0)
                    return false;
                environment = environment[(end + 1)..];
            }
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone, or of another user: none of ours
        }
    }
}
