using System.Globalization;
using System.Text;

namespace Framelease.NodeAgent.Looking;

/// <summary>
/// Reads /proc. What vanishes while it is read is gone; what is there and cannot be read is told as unknown, never left out.
/// </summary>
/// <param name="root">/proc, or a folder that looks like it.</param>
sealed class ProcReader(string root, Viewpoint from) : IProcesses
{
    const string LeaseMark = "FRAMELEASE_LEASE_UID=", OuterMark = "FRAMELEASE_OUTER_LEASES=", PodMark = "FRAMELEASE_POD_UID=";
    const int KernelThread = 0x00200000;

    public Viewpoint From => from;

    public ProcessLook Look()
    {
        var found = new List<ProcessFacts>(256);
        try
        {
            foreach (var folder in Directory.EnumerateDirectories(root))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    && Read(pid, folder) is { } process)
                    found.Add(process);
            }
        }
        catch (Exception e) when (e is UnreadableException or IOException or UnauthorizedAccessException)
        {
            return new ProcessLook(found, e.Message);
        }

        return new ProcessLook(found);
    }

    /// <returns>Null for one that has ended, and for a thread of the kernel.</returns>
    static ProcessFacts? Read(int pid, string folder)
    {
        if (Text(folder, "stat") is not { } line || Stat.Parse(line) is not { } stat || (stat.Flags & KernelThread) != 0)
            return null;
        // A program whose first thread has ended goes on with the others; what it is can be read from one of these.
        var living = stat.IsZombie ? LivingThread(folder) : folder;
        if (living is null || Text(folder, "status") is not { } status)
            return null;
        var cgroup = Cgroup(living);
        var marks = Marks(living);
        var own = Numbers(status, "NSpid:") is [.., var innermost] ? innermost : pid;
        return Directory.Exists(folder)
            ? new ProcessFacts(pid, stat.Name, stat.StartTicks, own, Numbers(status, "Uid:"), cgroup, marks)
            : null;
    }

    static string? LivingThread(string folder)
    {
        try
        {
            foreach (var thread in Directory.EnumerateDirectories(Path.Combine(folder, "task")))
            {
                if (Text(thread, "stat") is { } line && Stat.Parse(line) is { IsZombie: false })
                    return thread;
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Gone meanwhile.
        }

        return null;
    }

    static string? Cgroup(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, "cgroup"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    static EnvironmentMarks Marks(string folder)
    {
        byte[] environment;
        try
        {
            environment = File.ReadAllBytes(Path.Combine(folder, "environ"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new EnvironmentMarks.Unknown("its environment cannot be read");
        }

        if (environment.Length == 0)
            return new EnvironmentMarks.Unknown("it has no environment: it just begins, or ends");
        string?[] leases = [Value(environment, LeaseMark), .. Value(environment, OuterMark)?.Split(',') ?? []];
        return new EnvironmentMarks.Read([.. leases.OfType<string>()], Value(environment, PodMark));
    }

    static string? Value(ReadOnlySpan<byte> environment, string mark)
    {
        var wanted = Encoding.ASCII.GetBytes(mark);
        foreach (var entry in environment.Split((byte)0))
        {
            if (environment[entry].StartsWith(wanted))
                return Encoding.UTF8.GetString(environment[entry][wanted.Length..]);
        }

        return null;
    }

    // Null = gone. What is there and closed to us makes the whole look blind: it could be anybody's.
    static string? Text(string folder, string file)
    {
        // Twice: a process that ends between opening and reading is no more there at the second time.
        for (var isLast = false; ; isLast = true)
        {
            try
            {
                return File.ReadAllText(Path.Combine(folder, file));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (!Directory.Exists(folder))
                    return null;
                if (isLast)
                    throw new UnreadableException($"{Path.Combine(folder, file)} cannot be read: {e.Message}");
            }
        }
    }

    static IReadOnlyList<int> Numbers(string status, string field)
    {
        foreach (var line in status.Split('\n'))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
            {
                return [.. line[field.Length..].Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries)
                    .Select(n => int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1)];
            }
        }

        return [];
    }

    sealed class UnreadableException(string message) : Exception(message);
}

/// <summary>The fields of /proc/PID/stat that count.</summary>
sealed record Stat(string Name, char State, long Flags, long StartTicks)
{
    public bool IsZombie => State is 'Z' or 'X' or 'x';

    /// <returns>Null for what is no such line.</returns>
    public static Stat? Parse(string line)
    {
        // The name stands in parentheses, and may itself hold spaces and parentheses.
        var (open, close) = (line.IndexOf('('), line.LastIndexOf(')'));
        if (open < 0 || close < open || line.Length < close + 3)
            return null;
        var fields = line[(close + 2)..].Split(' ');
        return fields.Length > 19 && fields[0].Length == 1
            && long.TryParse(fields[6], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var flags)
            && long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            ? new Stat(line[(open + 1)..close], fields[0][0], flags, start)
            : null;
    }
}
