using System.Globalization;

namespace Framelease.Benchmarks.Platform;

/// <summary>Memory of a process tree without PostgreSQL: PSS, in which a page shared by n processes counts as 1/n of a page.</summary>
static class IdleMemory
{
    public static IReadOnlyDictionary<string, long> OfTree(int root)
    {
        var parents = new Dictionary<int, (int Parent, string Name)>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) && Stat(pid) is { } stat)
                parents[pid] = stat;
        }

        var memory = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (pid, (_, name)) in parents)
        {
            if (IsBelow(pid, root, parents) && name != "postgres")
                memory[$"{name}-{pid}"] = Pss(pid);
        }

        return memory;
    }

    static bool IsBelow(int pid, int root, Dictionary<int, (int Parent, string Name)> parents)
    {
        while (pid != root)
        {
            if (!parents.TryGetValue(pid, out var entry))
                return false;
            pid = entry.Parent;
        }

        return true;
    }

    static (int Parent, string Name)? Stat(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var (open, close) = (stat.IndexOf('('), stat.LastIndexOf(')'));
            return (int.Parse(stat[(close + 2)..].Split(' ')[1], CultureInfo.InvariantCulture), stat[(open + 1)..close]);
        }
        catch (IOException)
        {
            return null; // it has just ended
        }
    }

    static long Pss(int pid) =>
        long.Parse(File.ReadLines($"/proc/{pid}/smaps_rollup").First(l => l.StartsWith("Pss:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture) * 1024;
}
