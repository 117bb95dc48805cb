namespace Framelease.NodeAgent.Looking;

/// <summary>
/// A process that has not ended, as one look at /proc shows it. Kernel threads and zombies are left out: they use no device.
/// </summary>
/// <param name="Name">As it calls itself; for people.</param>
/// <param name="StartTicks">Clock ticks after boot.</param>
/// <param name="NamespacePid">Its id as it sees itself.</param>
/// <param name="UserIds">Real, effective, saved and file system user.</param>
/// <param name="Cgroup">All its cgroup paths; null when they could not be read.</param>
/// <param name="Marks">What its environment says.</param>
sealed record ProcessFacts(
    int Pid, string Name, long StartTicks, int NamespacePid, IReadOnlyList<int> UserIds, string? Cgroup, EnvironmentMarks Marks);

/// <summary>What the environment of a process says of whose it is.</summary>
abstract record EnvironmentMarks
{
    EnvironmentMarks()
    {
    }

    /// <summary>It could not be looked into, or there was nothing to look into: a process that just executes, or that ends.</summary>
    public sealed record Unknown(string Why) : EnvironmentMarks;

    /// <param name="LeaseUids">Of leases without a task: the one that it was started under, and those around it.</param>
    /// <param name="PodUid">Of a worker pod; null = no such mark.</param>
    public sealed record Read(IReadOnlyList<string> LeaseUids, string? PodUid) : EnvironmentMarks;
}

/// <summary>One look at all processes.</summary>
/// <param name="Blind">Why it does not show all that there may be; null when it does.</param>
sealed record ProcessLook(IReadOnlyList<ProcessFacts> Processes, string? Blind = null);

/// <summary>Where the looks are taken from.</summary>
/// <param name="BootId">Of the machine.</param>
/// <param name="PidNamespace">Inode of the pid namespace whose processes /proc shows.</param>
/// <param name="IsWholeMachine">That namespace is the machine's first: nothing is outside of it.</param>
/// <param name="UserId">Who looks.</param>
/// <param name="Pods">How the processes of a pod are known.</param>
sealed record Viewpoint(string BootId, long PidNamespace, bool IsWholeMachine, int UserId, PodsKnownBy Pods);

enum PodsKnownBy
{
    /// <summary>The kubelet puts every container of a pod into cgroups that carry its UID.</summary>
    Cgroup,

    /// <summary>The process node runs pods as its own user, each process with the pod's UID in its environment.</summary>
    Environment,
}

/// <summary>The port to the processes of a machine.</summary>
interface IProcesses
{
    Viewpoint From { get; }

    ProcessLook Look();
}
