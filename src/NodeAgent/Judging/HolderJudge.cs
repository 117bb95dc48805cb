using Framelease.Devices;
using Framelease.NodeAgent.Looking;
using Framelease.WorkerProtocol;

namespace Framelease.NodeAgent.Judging;

/// <summary>
/// Whether a slot's holder is gone, by one look at the processes, and one at the device: pure. Whatever might be the holder's and cannot be
/// told counts against the proof.
/// </summary>
static class HolderJudge
{
    /// <summary>Serves every process of a device on behalf of others, and has no work of its own.</summary>
    const string MpsServer = "nvidia-cuda-mps-server";

    public static Sighting Processes(QuarantinedSlot slot, ProcessLook look, Viewpoint from)
    {
        if (look.Blind is { } blind)
            return new Sighting.Unsure(blind);
        return slot.PodUid is { } pod ? OfPod(pod, look, from) : OfHolder(slot, look, from);
    }

    /// <param name="users">As the device tells; null when it does not.</param>
    /// <param name="look">Taken before the device was asked.</param>
    public static Sighting Device(QuarantinedSlot slot, IReadOnlyList<DeviceProcess>? users, ProcessLook look)
    {
        if (users is null)
            return new Sighting.Unsure($"nvidia-smi does not tell who uses {slot.Device}");
        foreach (var user in users)
        {
            if (look.Processes.FirstOrDefault(p => p.Pid == user.Pid) is not { } process)
                return new Sighting.Unsure($"process {user.Pid} ({user.Name}) still has memory of {slot.Device}, and is not to be seen");
            if (!IsAnothers(slot, process))
                return new Sighting.Unsure($"process {user.Pid} ({process.Name}) uses {slot.Device}, and is of no other pod or lease");
        }

        return new Sighting.Gone(
            users.Count == 0 ? "the device lists no process" : $"the device lists {users.Count}, all of other holders");
    }

    static Sighting OfPod(string pod, ProcessLook look, Viewpoint from)
    {
        foreach (var p in look.Processes)
        {
            if (p.Marks is EnvironmentMarks.Read { PodUid: var marked } && marked == pod)
                return Alive(p, $"of pod {pod}");
            if (p.Cgroup is { } cgroup && Cgroups.IsOfPod(cgroup, pod))
                return Alive(p, $"in a cgroup of pod {pod}");
            if (from.Pods is PodsKnownBy.Cgroup && p.Cgroup is null)
                return Unsure(p, "its cgroup cannot be read");
            if (from.Pods is PodsKnownBy.Environment && p.Marks is EnvironmentMarks.Unknown unknown && MayBeOf(p, from.UserId))
                return Unsure(p, unknown.Why);
        }

        return new Sighting.Gone(
            from.Pods is PodsKnownBy.Cgroup ? $"none is in a cgroup of pod {pod}" : $"none carries the mark of pod {pod}");
    }

    static Sighting OfHolder(QuarantinedSlot slot, ProcessLook look, Viewpoint from)
    {
        if (slot.Process is not { } holder || slot.BootId is null)
            return new Sighting.Unsure("the holder did not tell which process it is");
        if (slot.BootId != from.BootId)
            return new Sighting.Unsure("the machine was booted since the holder attached: the node's own report is the proof");
        if (!from.IsWholeMachine && holder.PidNamespace != from.PidNamespace)
        {
            return new Sighting.Unsure(
                $"the holder was in pid namespace {holder.PidNamespace}, which cannot be seen from {from.PidNamespace}");
        }

        foreach (var p in look.Processes)
        {
            if (p.NamespacePid == holder.Pid && p.StartTicks == holder.StartTicks)
                return Alive(p, "which attached");
            if (p.Marks is EnvironmentMarks.Read { LeaseUids: var marked } && marked.Contains(slot.LeaseUid))
                return Alive(p, $"which carries the mark of lease {slot.LeaseUid}");
            // Nothing that the holder started is older than itself; and who is not root starts processes of the same user.
            if (p.Marks is EnvironmentMarks.Unknown unknown && p.StartTicks >= holder.StartTicks && MayBeOf(p, holder.UserId))
                return Unsure(p, unknown.Why);
        }

        return new Sighting.Gone($"none is the holder (process {holder.Pid}), and none carries the mark of lease {slot.LeaseUid}");
    }

    static bool MayBeOf(ProcessFacts process, int user) => user == 0 || process.UserIds.Count == 0 || process.UserIds.Contains(user);

    static bool IsAnothers(QuarantinedSlot slot, ProcessFacts process)
    {
        if (process.Name.StartsWith(MpsServer[..15], StringComparison.Ordinal))
            return true;
        return process.Marks switch
        {
            EnvironmentMarks.Read { LeaseUids: { Count: > 0 } leases } => !leases.Contains(slot.LeaseUid),
            EnvironmentMarks.Read { PodUid: { } pod } => pod != slot.PodUid,
            _ => process.Cgroup is { } cgroup && Cgroups.IsOfAnyPod(cgroup)
                && (slot.PodUid is null || !Cgroups.IsOfPod(cgroup, slot.PodUid)),
        };
    }

    static Sighting.Alive Alive(ProcessFacts p, string what) => new($"process {p.Pid} ({p.Name}), {what}, is there");

    static Sighting.Unsure Unsure(ProcessFacts p, string why) => new($"process {p.Pid} ({p.Name}) may be the holder's: {why}");
}
