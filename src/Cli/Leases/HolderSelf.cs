using System.Globalization;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>Which process this is, so that an agent of its node can tell later whether it is gone.</summary>
static class HolderSelf
{
    /// <summary>The kernel's own, fixed: PROC_TIME_INIT_INO and PROC_USER_INIT_INO.</summary>
    const long FirstTimeNamespace = 4026531834, FirstUserNamespace = 4026531837;

    /// <returns>Null where this process cannot say it in words that mean the same outside of its container.</returns>
    public static HolderIdentity? Read(string root = "/proc/self")
    {
        try
        {
            // Its start would be counted from another beginning.
            if (File.Exists(Path.Combine(root, "ns/time")) && Inode(Path.Combine(root, "ns/time")) != FirstTimeNamespace)
                return null;
            var stat = File.ReadAllText(Path.Combine(root, "stat"));
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // A user's number inside of a user namespace is another one outside: there it may be anybody's.
            var user = Inode(Path.Combine(root, "ns/user")) == FirstUserNamespace ? UserId(root) : 0;
            return new HolderIdentity(
                int.Parse(stat.AsSpan(0, stat.IndexOf(' ')), NumberStyles.None, CultureInfo.InvariantCulture),
                long.Parse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture), Inode(Path.Combine(root, "ns/pid")), user);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException
            or IndexOutOfRangeException or InvalidOperationException or OverflowException)
        {
            return null;
        }
    }

    static int UserId(string root)
    {
        var line = File.ReadLines(Path.Combine(root, "status")).First(l => l.StartsWith("Uid:", StringComparison.Ordinal));
        return int.Parse(line.Split('\t')[1], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>From <c>pid:[4026531836]</c>.</summary>
    static long Inode(string link)
    {
        var text = new FileInfo(link).LinkTarget ?? throw new FormatException($"{link} is no link");
        return long.Parse(text.AsSpan(text.IndexOf('[') + 1).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
