namespace Framelease.Domain.Devices;

/// <summary>
/// decide(health, command) → events for one device. Healthy → Degraded → Probation → Healthy or Degraded again. What its node says comes
/// and goes with its node's word; what a probe found is tried again after a while, with a single lease.
/// </summary>
public static class DeviceHealthDecider
{
    /// <summary>Of a reason, for the history.</summary>
    public const int LongestReason = 512;

    public static Decision<IDeviceEvent> Decide(DeviceHealth health, DeviceCommand command) => command switch
    {
        DeviceCommand.NodeSays c => NodeSays(health, c),
        DeviceCommand.Probed c => Probed(health, c),
        DeviceCommand.Recover c => Recover(health, c),
        DeviceCommand.ReturnByPerson c => ReturnByPerson(health, c),
        _ => throw new InvalidOperationException($"command {command.GetType().Name} has no decision"),
    };

    /// <returns>When a degraded device goes on probation; null when it does not by itself.</returns>
    public static DateTimeOffset? ProbationAt(DeviceHealth health, RecoveryTerms terms) =>
        health is { Fitness: DeviceFitness.Degraded, By: DegradedBy.Probe, Since: { } since }
        && terms.WaitSeconds(health.Failures) is { } wait
            ? since.AddSeconds(wait) : null;

    // Failures are kept: a device that failed probes before its node spoke is on probation after it.
    static Decision<IDeviceEvent> NodeSays(DeviceHealth h, DeviceCommand.NodeSays c)
    {
        var isItsWord = h is { Fitness: DeviceFitness.Degraded, By: not DegradedBy.Probe };
        if (c.Unfit is { } unfit)
            return isItsWord ? Nothing : Of(new DeviceDegraded(h.Key.Node, h.Key.Device, Bounded(unfit), DegradedBy.Node, h.Failures));
        if (!isItsWord || !c.Terms.AutoRecovery)
            return Nothing;
        return h.Failures > 0
            ? Of(new DeviceOnProbation(h.Key.Node, h.Key.Device, "its node no longer calls it degraded; it failed probes before"))
            : Of(new DeviceReturned(h.Key.Node, h.Key.Device, 0, "InService", "its node no longer calls it degraded"));
    }

    static Decision<IDeviceEvent> Probed(DeviceHealth h, DeviceCommand.Probed c) => (h.Fitness, c.Dirty) switch
    {
        // It is known to be unfit already: leases of its other slots add nothing.
        (DeviceFitness.Degraded, _) => Nothing,
        // Under a lease of before, the look tells of what was known then.
        (DeviceFitness.Probation, _) when c.GrantedAt < h.Since => Nothing,
        (_, { } dirty) => Of(new DeviceDegraded(
            h.Key.Node, h.Key.Device, Bounded(dirty), DegradedBy.Probe, h.Failures + 1, c.LeaseUid, c.Terms.WaitSeconds(h.Failures + 1))),
        (DeviceFitness.Probation, null) when c.IsLast => Of(
            new DeviceReturned(h.Key.Node, h.Key.Device, 0, "ProbedClean", $"lease {c.LeaseUid} left it clean")),
        _ => Nothing,
    };

    static Decision<IDeviceEvent> Recover(DeviceHealth h, DeviceCommand.Recover c) => ProbationAt(h, c.Terms) <= c.Now
        ? Of(new DeviceOnProbation(h.Key.Node, h.Key.Device, $"tried again after {c.Terms.WaitSeconds(h.Failures)} s: {h.Reason}"))
        : Nothing;

    static Decision<IDeviceEvent> ReturnByPerson(DeviceHealth h, DeviceCommand.ReturnByPerson c) => h.Fitness is DeviceFitness.Healthy
        ? Decision<IDeviceEvent>.No("NotDegraded", $"device {h.Key} is healthy; nothing has to be returned")
        : Of(new DeviceReturned(h.Key.Node, h.Key.Device, 0, "PersonSaysFit", $"{c.Actor}: {c.Reason}"));

    static string Bounded(string reason) => reason.Length <= LongestReason ? reason : reason[..LongestReason];

    static Decision<IDeviceEvent> Of(IDeviceEvent e) => Decision<IDeviceEvent>.Of(e);

    static Decision<IDeviceEvent> Nothing => Decision<IDeviceEvent>.Nothing;
}
