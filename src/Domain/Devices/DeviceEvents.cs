// Events of stream device-{cluster}/{id} that tell whether a device is fit for work. The class names are the contract (design §6):
// additions are free, renames need an ADR.
namespace Framelease.Domain.Devices;

/// <summary>Any event that changes the health of a device.</summary>
public interface IDeviceEvent;

/// <summary>The device is not fit for work: it gets no new lease.</summary>
/// <param name="By">Who found it; null in events of before this field.</param>
/// <param name="Failures">Failed probes in a row, this one included; null in events of before this field.</param>
/// <param name="LeaseUid">Under which it was probed; null on its node's word.</param>
/// <param name="WaitSeconds">Until probation, as the pool had it; null = until somebody says so.</param>
public sealed record DeviceDegraded(
    string Node, string Device, string Reason, DegradedBy? By = null, int? Failures = null, string? LeaseUid = null,
    int? WaitSeconds = null) : IDeviceEvent;

/// <summary>The device may be tried: one lease at a time, and only where no other device is free.</summary>
public sealed record DeviceOnProbation(string Node, string Device, string Reason) : IDeviceEvent;

/// <summary>
/// The device is in service again; or, under a proof that frees slots, a slot of it that no lease on record held.
/// </summary>
/// <param name="Slot">0 where the whole device is meant.</param>
/// <param name="Proof">Uncordoned, InService (its node's word ended), ProbedClean, PersonSaysFit; else a proof that freed the slot.</param>
public sealed record DeviceReturned(string Node, string Device, int Slot, string Proof, string Evidence) : IDeviceEvent;

/// <summary>
/// What the kubelet gave the holder of a slot whose device it chooses: tells which card a lease was on. Changes no health.
/// </summary>
/// <param name="Device">Of the slot, as the pool counts it.</param>
/// <param name="Uuid">As the worker saw it at its attach.</param>
public sealed record DeviceBound(string Node, string Device, int Slot, string LeaseUid, long Token, string Uuid);

/// <summary>Whose word it is that a device is unfit.</summary>
public enum DegradedBy
{
    /// <summary>Its node agent's, for example after an Xid error.</summary>
    Node,

    /// <summary>A worker's, which looked at it before or after its work.</summary>
    Probe,
}
