// postmaster.pid: who serves a data directory, and how far its start has come. The lines: pid, data directory, start (Unix seconds),
// port, socket directory, listen address, shared memory key, status.
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Postgres;

internal sealed record PostmasterFile(int ProcessId, long StartedUnixSeconds, bool Ready)
{
    /// <summary>Null when there is none, or it is half written.</summary>
    public static PostmasterFile? Read(string clusterDirectory)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(Path.Combine(clusterDirectory, "postmaster.pid"));
        }
        catch (IOException)
        {
            return null;
        }
        if (lines.Length < 3 || !int.TryParse(lines[0], NumberStyles.Integer, CultureInfo.InvariantCulture, out var pid) || pid < 2
            || !long.TryParse(lines[2], NumberStyles.Integer, CultureInfo.InvariantCulture, out var started))
            return null;
        return new(pid, started, lines.Length >= 8 && lines[7].Trim() == "ready");
    }

    /// <summary>
    /// Whether that process is still this cluster's server, not a stranger that was given the same pid later: a postmaster's working
    /// directory is its data directory, and it started when the file says.
    /// </summary>
    public bool IsAlive(string clusterDirectory)
    {
        try
        {
            var cwd = new FileInfo($"/proc/{ProcessId}/cwd").LinkTarget;
            if (cwd is null || Path.TrimEndingDirectorySeparator(cwd) != Path.TrimEndingDirectorySeparator(RealPath(clusterDirectory))) return false;
            return StartSeconds(ProcessId) is not { } start || Math.Abs(start - StartedUnixSeconds) <= 60;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether any live process works in the data directory, as the postmaster and all its children do.</summary>
    public static bool AnyoneIn(string clusterDirectory)
    {
        var directory = Path.TrimEndingDirectorySeparator(RealPath(clusterDirectory));
        return Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])).Any(path =>
        {
            try
            {
                return new FileInfo(Path.Combine(path, "cwd")).LinkTarget is { } cwd && Path.TrimEndingDirectorySeparator(cwd) == directory;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false; // ended meanwhile, or another user's, who has no business in there
            }
        });
    }

    /// <summary>Call it only when <see cref="AnyoneIn"/> says that nobody is left.</summary>
    public static void RemoveStale(string clusterDirectory, string socketDirectory, ILogger logger)
    {
        foreach (var file in new[] { Path.Combine(clusterDirectory, "postmaster.pid"), Path.Combine(socketDirectory, ".s.PGSQL.5432.lock") })
        {
            if (!File.Exists(file))
                continue;
            Log.StalePostmasterFile(logger, file);
            File.Delete(file);
        }
    }

    static string RealPath(string path)
    {
        var full = Path.GetFullPath(path);
        var real = "/";
        foreach (var part in full.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            real = Path.Combine(real, part);
            if (new DirectoryInfo(real).ResolveLinkTarget(returnFinalTarget: true) is { } target) real = target.FullName;
        }
        return real;
    }

    /// <summary>Field 22 of /proc/pid/stat (clock ticks since boot, 100 a second on Linux) as Unix seconds.</summary>
    static long? StartSeconds(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var boot = File.ReadLines("/proc/stat").FirstOrDefault(l => l.StartsWith("btime ", StringComparison.Ordinal));
        return boot is null || fields.Length < 20
            ? null
            : long.Parse(boot.AsSpan(6), CultureInfo.InvariantCulture) + long.Parse(fields[19], CultureInfo.InvariantCulture) / 100;
    }
}
