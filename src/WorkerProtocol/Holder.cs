// /worker/v1/leases: for whoever holds a GpuLease without a task, for example `framelease lease run`.
using System.Text.Json.Serialization;

namespace Framelease.WorkerProtocol;

/// <summary>
/// <c>POST /worker/v1/leases/wait</c>: answered as soon as the lease waits no more, or after <paramref name="Seconds"/>. It tells sooner what
/// the GpuLease's status tells too: who cannot ask it, or is refused (<c>409 TooManyWaiting</c>), watches the object. Authenticated as attach
/// is.
/// </summary>
/// <param name="Seconds">0 to 60; 0 = answer at once.</param>
public sealed record HolderWaitRequest(string Namespace, string LeaseUid, int Seconds = 20)
{
    public const int LongestSeconds = 60;
}

/// <param name="State">Pending, Granted or Draining (then the rest is there), or how it ended, as in the GpuLease's status.</param>
public sealed record HolderWaitReply(string State, string? Node = null, string? Device = null, int? Slot = null, long? Token = null)
{
    [JsonIgnore]
    public bool Waits => State == "Pending";
}

/// <summary>
/// <c>POST /worker/v1/leases/attach</c>: the holder of a granted lease makes itself known; from here on its silence counts. Authenticated
/// with a token of the cluster whose user may <c>attach</c> to <c>gpuleases</c> in the lease's namespace. Idempotent by holder: a repeated
/// attach gets the same lease and a fresh credential, another holder is refused.
/// </summary>
/// <param name="WorkerVersion">Semantic version of the program.</param>
/// <param name="Namespace">Of the GpuLease.</param>
/// <param name="LeaseUid">metadata.uid of the GpuLease.</param>
/// <param name="Holder">This process's own id, 8 to 64 letters, digits and hyphens; no other process may use it.</param>
/// <param name="BootId">Of the machine that it runs on, as its kernel says. Must be that of the lease's node, where the node tells its own;
/// another one later proves that this holder has ended.</param>
/// <param name="Host">Name of that machine, for people; at most 253 characters.</param>
/// <param name="Protocol">That the program speaks, see <see cref="ProtocolVersion"/>; null = the first that has this call.</param>
/// <param name="Process">Which process it is, so that an agent of the node can tell later that it is gone; null: no agent can.</param>
public sealed record HolderAttachRequest(
    string WorkerVersion, string Namespace, string LeaseUid, string Holder, string? BootId = null, string? Host = null,
    string? Protocol = null, HolderIdentity? Process = null);

/// <summary>
/// A process that uses a device, or starts what does. Whoever tells it promises that everything it starts under the lease carries
/// <c>FRAMELEASE_LEASE_UID=</c>uid of the lease in its environment.
/// </summary>
/// <param name="Pid">As it sees itself; 1 to 4,194,304.</param>
/// <param name="StartTicks">Field 22 of <c>/proc/self/stat</c>, in the machine's own time namespace.</param>
/// <param name="PidNamespace">Inode that <c>/proc/self/ns/pid</c> names.</param>
/// <param name="UserId">Its real user; 0 or more.</param>
public sealed record HolderIdentity(int Pid, long StartTicks, long PidNamespace, int UserId);

/// <summary>The lease as its holder needs it.</summary>
/// <param name="Token">Of the slot at the grant.</param>
/// <param name="Credential">Bearer credential for beat and release; bound to lease, token and holder.</param>
/// <param name="Node">That the device is on.</param>
/// <param name="HeartbeatIntervalSeconds">Between two beats, at most. Default 60.</param>
/// <param name="HeartbeatTimeoutSeconds">Silence after which the lease may expire. Default 300.</param>
/// <param name="DrainGraceSeconds">From SIGTERM to SIGKILL where a reply names no other time. Default 30.</param>
/// <param name="StopAfterSeconds">Without contact for this long the holder stops by itself; null: it goes on.</param>
public sealed record HeldLease(
    string LeaseUid, string Holder, long Token, string Credential, LeasedDevice Device, string Node, int HeartbeatIntervalSeconds,
    int HeartbeatTimeoutSeconds, int DrainGraceSeconds, int? StopAfterSeconds = null);

/// <summary><c>POST /worker/v1/leases/beat</c>; answered by a <see cref="BeatReply"/>.</summary>
/// <param name="Sequence">Rises by at least one with every beat; a lower or equal one is ignored.</param>
/// <param name="PerMille">Progress 0–1000, where there is any to tell of. A holder that tells of progress once is watched for stalls from
/// then on.</param>
/// <param name="Message">Short text for people, at most 256 characters.</param>
/// <param name="Device">How the device is, where the holder can tell.</param>
public sealed record HolderBeatRequest(long Sequence, int PerMille = 0, string? Message = null, DeviceTelemetry? Device = null);

/// <summary><c>POST /worker/v1/leases/release</c>: nobody uses the device under this lease any more. Idempotent.</summary>
/// <param name="Reason">For the history, at most 256 characters, for example <c>exit code 0</c>.</param>
public sealed record HolderReleaseRequest(string Reason);

public sealed record HolderReleaseReply(bool Released);
