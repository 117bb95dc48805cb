using System.Globalization;

namespace Framelease.NodeAgent.Looking;

/// <summary>
/// Finds out from where this program looks, and whether it can see enough to prove anything. The pid namespace that the kernel starts with
/// has a fixed inode: with <c>hostPID: true</c> /proc shows it, without it shows the container alone.
/// </summary>
static class Viewpoints
{
    /// <summary>PROC_PID_INIT_INO of the kernel.</summary>
    public const long FirstPidNamespace = 4026531836;

    const int PtraceCapability = 19;

    /// <summary>Where this process is.</summary>
    /// <exception cref="AgentException">/proc does not tell.</exception>
    public static Viewpoint Here(PodsKnownBy pods, string root = "/proc")
    {
        try
        {
            var boot = File.ReadAllText(Path.Combine(root, "sys/kernel/random/boot_id")).Trim();
            var space = Inode(Path.Combine(root, "self/ns/pid"));
            return new Viewpoint(boot, space, space == FirstPidNamespace, User(root), pods);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new AgentException($"{root} does not tell where this program runs: {e.Message}");
        }
    }

    /// <summary>What keeps this process from seeing every process of the node; null when nothing does.</summary>
    /// <param name="isNestedNode">Somebody vouches that the node is itself a container (kind), whose pid namespace this is.</param>
    public static string? Complaint(Viewpoint here, bool isNestedNode, string root = "/proc")
    {
        if (Hidden(root) is { } hidden)
            return hidden;
        if (here.IsWholeMachine)
            return null;
        if (!isNestedNode)
        {
            return $"this program is in pid namespace {here.PidNamespace.ToString(CultureInfo.InvariantCulture)}, which is not the "
                + "machine's first: it cannot see the processes of the node, and so prove nothing. Set hostPID: true in its pod (or pass "
                + "--nested-node where the node is itself a container, as in kind, and the pod has hostPID: true)";
        }

        // In the namespace of a pod, process 1 is the pod's own.
        return Environment.ProcessId == 1 || Cgroups.IsOfAnyPod(File.ReadAllText(Path.Combine(root, "1/cgroup")))
            ? "process 1 belongs to a pod, or is this program: this is a pod's pid namespace and not a node's; set hostPID: true in its pod"
            : null;
    }

    /// <summary>Whether environments of other users' processes can be read; without, holders of bare leases may stay unproven.</summary>
    public static bool MayLookIntoAll(string root = "/proc")
    {
        var line = File.ReadLines(Path.Combine(root, "self/status")).FirstOrDefault(l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        var text = line?["CapEff:".Length..].Trim();
        return ulong.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var held)
            && (held >> PtraceCapability & 1) == 1;
    }

    /// <summary>Why /proc does not show all processes to this program; null when it does.</summary>
    public static string? Hidden(string root = "/proc")
    {
        foreach (var line in File.ReadLines(Path.Combine(root, "self/mountinfo")))
        {
            var parts = line.Split(' ');
            var options = parts[^1].Split(',');
            var hides = options.FirstOrDefault(o => o.StartsWith("hidepid=", StringComparison.Ordinal));
            if (parts.Length > 5 && parts[4] == root && hides is not (null or "hidepid=0" or "hidepid=off") && !MayLookIntoAll(root))
                return $"{root} is mounted with {hides}, which hides processes from this program: give it the capability SYS_PTRACE";
        }

        return null;
    }

    static int User(string root)
    {
        var line = File.ReadLines(Path.Combine(root, "self/status")).FirstOrDefault(l => l.StartsWith("Uid:", StringComparison.Ordinal));
        return int.Parse(line?.Split('\t') is [_, var real, ..] ? real : "", NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>From <c>pid:[4026531836]</c>.</summary>
    static long Inode(string link)
    {
        var text = new FileInfo(link).LinkTarget ?? throw new FormatException($"{link} is no link");
        return long.Parse(text.AsSpan(text.IndexOf('[') + 1).TrimEnd(']'), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}

/// <summary>The agent cannot run; the message says why and how to mend it.</summary>
sealed class AgentException(string message) : Exception(message);
