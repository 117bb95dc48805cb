using System.Text.Json.Serialization;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;

namespace Framelease.Operator.Ledger;

/// <summary>Every event that this version writes, with its name in the log. Names are the contract (design §6).</summary>
static class EventTypes
{
    public static EventRegistry Register(EventRegistry registry) => registry
        .Register<TaskAccepted>("task_accepted")
        .Register<TaskRejected>("task_rejected")
        .Register<TaskAdmitted>("task_admitted")
        .Register<TaskSuspended>("task_suspended")
        .Register<TaskResumed>("task_resumed")
        .Register<SceneQueued>("scene_queued")
        .Register<AttemptStarted>("attempt_started")
        .Register<AttemptAttached>("attempt_attached")
        .Register<AttemptStalled>("attempt_stalled")
        .Register<AttemptProgressed>("attempt_progressed")
        .Register<AttemptFailed>("attempt_failed")
        .Register<AttemptReturned>("attempt_returned")
        .Register<SceneCommitted>("scene_committed")
        .Register<OutputCommitted>("output_committed")
        .Register<OutputReadopted>("output_readopted")
        .Register<SceneReadopted>("scene_readopted")
        .Register<TaskSucceeded>("task_succeeded")
        .Register<TaskFailed>("task_failed")
        .Register<TaskCancelled>("task_cancelled")
        .Register<LeaseRequested>("lease_requested")
        .Register<LeaseGranted>("lease_granted")
        .Register<LeaseAttached>("lease_attached")
        .Register<LeaseWarned>("lease_warned")
        .Register<LeaseDeadlockDetected>("lease_deadlock_detected")
        .Register<LeaseStalled>("lease_stalled")
        .Register<LeaseProgressed>("lease_progressed")
        .Register<LeaseDrainRequested>("lease_drain_requested")
        .Register<LeaseReleased>("lease_released")
        .Register<LeaseExpired>("lease_expired")
        .Register<LeaseRevoked>("lease_revoked")
        .Register<LeaseGaveUp>("lease_gave_up")
        .Register<SlotQuarantined>("slot_quarantined")
        .Register<SlotFreed>("slot_freed")
        .Register<StaleHolderRejected>("stale_holder_rejected")
        .Register<DeviceDiscovered>("device_discovered")
        .Register<DeviceCordoned>("device_cordoned")
        .Register<DeviceBound>("device_bound")
        .Register<DeviceDegraded>("device_degraded")
        .Register<DeviceOnProbation>("device_on_probation")
        .Register<DeviceReturned>("device_returned")
        .Register<AuthorityChanged>("authority_changed")
        .Register<ObservationLost>("observation_lost")
        .Register<ObservationResumed>("observation_resumed");
}

/// <summary>Stream device-{cluster}/{id}: a device was seen for the first time, with its slots.</summary>
sealed record DeviceDiscovered(string Cluster, string Node, string Device, string Name, string Kind, int Index, string Pool, int Slots);

/// <summary>Stream device-{cluster}/{id}: by spec, the device gets no new lease.</summary>
sealed record DeviceCordoned(string Node, string Device, string Reason);

/// <summary>Stream authority-{cluster}: the database is another one, or lacks what the cluster has seen (R12). Every slot went into quarantine.</summary>
/// <param name="Floor">Every token and epoch from here on lies above.</param>
/// <param name="Pods">Worker pods that may still use slots.</param>
sealed record AuthorityChanged(long Incarnation, string Reason, string SystemIdentifier, long Timeline, long Floor, int Pods);

/// <summary>Stream authority-{cluster}: from here on nobody looked, or too many holders fell silent at once to be believed (R5).</summary>
/// <param name="Scope">Null: the authority itself did not see. Else whose holders fell silent: a pool, or <c>all pools</c>.</param>
/// <param name="Leases">How many.</param>
sealed record ObservationLost(double GapSeconds, double DriftSeconds, string? Scope = null, int? Leases = null);

/// <summary>
/// Stream authority-{cluster}: somebody looks again and every deadline started anew; or silence is judged one by one again.
/// </summary>
sealed record ObservationResumed(string? Scope = null);

/// <summary>Source-generated JSON of every event: start-up of the operator needs no reflection over them.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TaskAccepted))]
[JsonSerializable(typeof(TaskRejected))]
[JsonSerializable(typeof(TaskAdmitted))]
[JsonSerializable(typeof(TaskSuspended))]
[JsonSerializable(typeof(TaskResumed))]
[JsonSerializable(typeof(SceneQueued))]
[JsonSerializable(typeof(AttemptStarted))]
[JsonSerializable(typeof(AttemptAttached))]
[JsonSerializable(typeof(AttemptStalled))]
[JsonSerializable(typeof(AttemptProgressed))]
[JsonSerializable(typeof(AttemptFailed))]
[JsonSerializable(typeof(AttemptReturned))]
[JsonSerializable(typeof(SceneCommitted))]
[JsonSerializable(typeof(OutputCommitted))]
[JsonSerializable(typeof(OutputReadopted))]
[JsonSerializable(typeof(SceneReadopted))]
[JsonSerializable(typeof(TaskSucceeded))]
[JsonSerializable(typeof(TaskFailed))]
[JsonSerializable(typeof(TaskCancelled))]
[JsonSerializable(typeof(LeaseRequested))]
[JsonSerializable(typeof(LeaseGranted))]
[JsonSerializable(typeof(LeaseAttached))]
[JsonSerializable(typeof(LeaseWarned))]
[JsonSerializable(typeof(LeaseDeadlockDetected))]
[JsonSerializable(typeof(LeaseStalled))]
[JsonSerializable(typeof(LeaseProgressed))]
[JsonSerializable(typeof(LeaseDrainRequested))]
[JsonSerializable(typeof(LeaseReleased))]
[JsonSerializable(typeof(LeaseExpired))]
[JsonSerializable(typeof(LeaseRevoked))]
[JsonSerializable(typeof(LeaseGaveUp))]
[JsonSerializable(typeof(SlotQuarantined))]
[JsonSerializable(typeof(SlotFreed))]
[JsonSerializable(typeof(StaleHolderRejected))]
[JsonSerializable(typeof(DeviceDiscovered))]
[JsonSerializable(typeof(DeviceCordoned))]
[JsonSerializable(typeof(DeviceBound))]
[JsonSerializable(typeof(DeviceDegraded))]
[JsonSerializable(typeof(DeviceOnProbation))]
[JsonSerializable(typeof(DeviceReturned))]
[JsonSerializable(typeof(AuthorityChanged))]
[JsonSerializable(typeof(ObservationLost))]
[JsonSerializable(typeof(ObservationResumed))]
sealed partial class EventTypesJson : JsonSerializerContext;
