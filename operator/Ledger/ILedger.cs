using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;

namespace Framelease.Operator.Ledger;

/// <summary>
/// The database port (R7): everything that the operator reads from or writes to PostgreSQL, in the platform's own words. The real one is
/// <see cref="PostgresLedger"/>; a simulated world answers the same calls from memory. All times are PostgreSQL's (R3).
/// </summary>
interface ILedger
{
    Task<Loaded<TaskState>> LoadTaskAsync(string taskUid, CancellationToken cancel);

    Task<Loaded<LeaseState>> LoadLeaseAsync(string leaseUid, CancellationToken cancel);

    /// <summary>Events, slots and views in one transaction and one round trip.</summary>
    /// <exception cref="LedgerConflictException">A stream or a slot is no longer as it was loaded: load again and decide again.</exception>
    Task CommitAsync(LedgerCommit commit, CancellationToken cancel);

    /// <summary>The attempt that runs, or ran, in a pod; null when none is on record (yet).</summary>
    Task<AttemptRow?> FindAttemptByPodAsync(string podUid, CancellationToken cancel);

    /// <summary>The attempt that ran under a lease; null when the lease has none on record.</summary>
    Task<AttemptRow?> FindAttemptByLeaseAsync(string leaseUid, CancellationToken cancel);

    /// <summary>A row of the slot table; null when there is none.</summary>
    Task<SlotSnapshot?> FindSlotAsync(string node, string device, int slot, CancellationToken cancel);

    /// <summary>Slots of a node that a lease holds, or left in quarantine, with the attempt that runs or ran under it.</summary>
    Task<IReadOnlyList<HeldSlot>> ReadHeldSlotsAsync(string node, CancellationToken cancel);

    /// <summary>Records a heartbeat if, and only if, it comes from the attempt that holds the scene and the slot (R2): one statement.</summary>
    Task<BeatOutcome> BeatAsync(Heartbeat beat, CancellationToken cancel);

    /// <summary>The same for the holder of a lease without a task.</summary>
    Task<BeatOutcome> BeatHolderAsync(HolderBeat beat, CancellationToken cancel);

    /// <summary>Every attempt and granted lease whose silence counts, with PostgreSQL's clock.</summary>
    Task<LivenessLook> ReadLivenessAsync(CancellationToken cancel);

    /// <summary>Of the same attempts and leases those that beat, or attached, at <paramref name="since"/> or later by PostgreSQL's clock.</summary>
    Task<BeatGlance> ReadBeatsAsync(DateTimeOffset since, CancellationToken cancel);

    /// <summary>Several leases in few round trips, in the order asked for.</summary>
    Task<IReadOnlyList<Loaded<LeaseState>>> LoadLeasesAsync(IReadOnlyList<string> leaseUids, CancellationToken cancel);

    /// <summary>All slots of a pool, and how many leases wait.</summary>
    Task<PoolSnapshot> ReadPoolAsync(string pool, CancellationToken cancel);

    /// <summary>What a round decides on: the heads of each group that waits, slots and what is used of them.</summary>
    /// <param name="heads">Of each group at most.</param>
    Task<QueueSnapshot> ReadQueueAsync(string pool, int heads, CancellationToken cancel);

    /// <summary>Keeps why each group of a pool waits; groups that are not named wait no more.</summary>
    Task SetWaitsAsync(string pool, IReadOnlyList<WaitReason> reasons, LeaderEpoch epoch, CancellationToken cancel);

    /// <summary>Why a lease waits, and where in the queue; null when it does not wait.</summary>
    Task<WaitRow?> FindWaitAsync(string leaseUid, CancellationToken cancel);

    /// <summary>
    /// Makes the pool's devices known: new ones get Free slots, those that vanished lose theirs once they are Free. What is cordoned, or no
    /// longer is, is told in the device's stream; a device's health is <see cref="CommitAsync"/>'s.
    /// </summary>
    Task SyncDevicesAsync(string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch, CancellationToken cancel);

    /// <summary>The granted slot whose holder told at its attach that it sees this device; null when no holder did.</summary>
    Task<BoundSlot?> FindBoundAsync(string uuid, CancellationToken cancel);

    /// <summary>How fit a device is; healthy where nothing else is on record.</summary>
    Task<Loaded<DeviceHealth>> LoadDeviceAsync(string node, string device, CancellationToken cancel);

    /// <summary>Every device that was ever found unfit.</summary>
    Task<IReadOnlyList<Loaded<DeviceHealth>>> ReadDevicesAsync(CancellationToken cancel);

    /// <summary>Live progress of a task's attempts, newest attempt first.</summary>
    Task<IReadOnlyList<ProgressRow>> ReadProgressAsync(string taskUid, CancellationToken cancel);

    /// <summary>Events of a task and of every lease it had, in the order in which they were recorded.</summary>
    Task<IReadOnlyList<HistoryItem>> ReadTaskHistoryAsync(string taskUid, CancellationToken cancel);

    Task<IReadOnlyList<HistoryItem>> ReadLeaseHistoryAsync(string leaseUid, CancellationToken cancel);

    /// <summary>Events of a device and of its newest leases (at most <paramref name="leases"/>), in the order in which they were recorded.</summary>
    Task<IReadOnlyList<HistoryItem>> ReadDeviceHistoryAsync(string device, int leases, CancellationToken cancel);

    /// <summary>Tasks that have not ended, in the order of their uids.</summary>
    /// <param name="after">The last uid of the page before; empty for the first one.</param>
    Task<IReadOnlyList<NamedStream>> ReadRunningTasksAsync(string after, int limit, CancellationToken cancel);

    /// <summary>Uid, name and namespace of the newest task or lease of that name, also after the object is gone; null when there never was one.</summary>
    Task<NamedStream?> FindByNameAsync(string kind, string? ns, string name, CancellationToken cancel);

    /// <summary>Records that the authority could not see for a while, and sees again (R5).</summary>
    Task RecordBlindnessAsync(ObservationGap gap, LeaderEpoch epoch, CancellationToken cancel);

    /// <summary>
    /// Records that too many holders fell silent at once to be believed, or that silence is judged one by one again (R5).
    /// </summary>
    Task RecordMassSilenceAsync(MassSilence.Change change, LeaderEpoch epoch, CancellationToken cancel);

    /// <summary>Slots that a change of authority put into quarantine and that no proof has freed yet (R12).</summary>
    Task<IReadOnlyList<HeldSlot>> ReadAuthoritySlotsAsync(CancellationToken cancel);

    /// <summary>Worker pods that the cluster knew at the change, and that are not known to have ended.</summary>
    Task<IReadOnlyList<AuthorityPod>> ReadAuthorityPodsAsync(CancellationToken cancel);

    Task ForgetAuthorityPodsAsync(string[] uids, LeaderEpoch epoch, CancellationToken cancel);

    /// <summary>Holders without a pod that the cluster knew at the change, until their slots are free.</summary>
    Task<IReadOnlyList<AuthorityHolder>> ReadAuthorityHoldersAsync(CancellationToken cancel);

    /// <summary>Records how the end of such holders was proven; a word that is on record stays.</summary>
    /// <param name="epoch">Null where a holder itself says so, which any replica hears.</param>
    Task EndAuthorityHoldersAsync(string[] leaseUids, string evidence, LeaderEpoch? epoch, CancellationToken cancel);

    /// <summary>Frees a slot in quarantine that no lease on record holds; the device's stream tells of it.</summary>
    /// <param name="epoch">Null on a person's order, which any replica may carry out.</param>
    /// <exception cref="LedgerConflictException">The slot is no longer as it was read.</exception>
    Task ReturnSlotAsync(SlotSnapshot slot, string proof, string evidence, string actor, LeaderEpoch? epoch, CancellationToken cancel);

    Task<DateTimeOffset> NowAsync(CancellationToken cancel);
}

/// <param name="Version">Of the stream at the load; 0 = no events yet.</param>
/// <param name="DatabaseNow">PostgreSQL's clock at the load.</param>
sealed record Loaded<T>(T State, long Version, DateTimeOffset DatabaseNow);

/// <summary>Role and epoch of a leader; checked FOR SHARE in the commit's transaction (R9).</summary>
sealed record LeaderEpoch(string Role, string Holder, long Epoch);

/// <summary>Changes of one or more streams that happen together or not at all.</summary>
/// <param name="Actor">Who caused it, for the events' metadata: <c>operator</c>, <c>worker default/clip-…</c>, a user.</param>
/// <param name="Silence">Refuses the whole commit when a beat came since (<see cref="SilenceBrokenException"/>).</param>
sealed record LedgerCommit(
    string Actor, IReadOnlyList<TaskChange> Tasks, IReadOnlyList<LeaseChange> Leases, LeaderEpoch? Epoch = null, SilenceSeen? Silence = null)
{
    public IReadOnlyList<DeviceChange> Devices { get; init; } = [];

    public bool IsEmpty => Tasks.All(t => t.Events.Count == 0) && Leases.All(l => l.Events.Count == 0)
        && Devices.All(d => d.Events.Count == 0);
}

/// <summary>What a lease's attach says of the device that the cluster gave its pod; goes with it in one transaction.</summary>
/// <param name="IsExclusive">Refused while another granted slot is bound to the same device.</param>
sealed record DeviceBinding(SlotKey Slot, DeviceBound Event, bool IsExclusive)
{
    public static IEnumerable<DeviceBinding> Of(LeaseChange change) =>
        from attached in change.Events.OfType<LeaseAttached>()
        where attached.DeviceUuid is not null && change.Before.State.Grant is not null
        let grant = change.Before.State.Grant!
        select new DeviceBinding(
            grant.Slot,
            new DeviceBound(grant.Slot.Node, grant.Slot.Device, grant.Slot.Slot, change.LeaseUid, grant.Token, attached.DeviceUuid!),
            grant.Terms is { DevicePlugin.Shared: false } or { Dra: not null });
}

/// <param name="Lease">namespace/name of the GpuLease.</param>
/// <param name="BeatAt">Of its holder; PostgreSQL's clock.</param>
sealed record BoundSlot(SlotSnapshot Slot, string Lease, DateTimeOffset? BeatAt, DateTimeOffset DatabaseNow);

sealed record TaskChange(string TaskUid, Loaded<TaskState> Before, IReadOnlyList<ITaskEvent> Events);

/// <param name="Before">Its version is that of the device's row; 0 = there is none.</param>
sealed record DeviceChange(Loaded<DeviceHealth> Before, IReadOnlyList<IDeviceEvent> Events)
{
    /// <summary>What the row is to hold.</summary>
    public DeviceHealth After => Events.Aggregate(Before.State, (h, e) => h.Evolve(e, Before.DatabaseNow));
}

sealed record LeaseChange(string LeaseUid, Loaded<LeaseState> Before, IReadOnlyList<ILeaseEvent> Events);

/// <summary>An attempt as the view holds it: the way from a pod to its streams.</summary>
sealed record AttemptRow(
    string TaskUid, int Scene, int Attempt, string PodUid, string PodName, string Namespace, string TaskName, string? LeaseUid, long Token);

sealed record Heartbeat(
    string TaskUid, int Scene, int Attempt, string PodUid, string? LeaseUid, long Token, long Sequence, string Phase, long Frames, long TotalFrames,
    long FpsMillis, long SpeedMillis, int PerMille, long OutputBytes, string? Message, DeviceFigures? Device = null);

/// <summary>What a holder tells of its device, within bounds; null = not told.</summary>
sealed record DeviceFigures(int? UtilisationPercent, long? MemoryUsedMiB, long? MemoryTotalMiB, int? TemperatureCelsius);

/// <param name="Holder">As it attached: its own id, which no other process has.</param>
sealed record HolderBeat(string LeaseUid, string Holder, long Token, long Sequence, int PerMille, string? Message, DeviceFigures? Device = null);

/// <summary>The beat that an attempt, or the holder of a lease without a task, stood at when its silence was judged.</summary>
/// <param name="TaskUid">Null: <paramref name="LeaseUid"/> names the lease.</param>
sealed record SilenceSeen(string? TaskUid, int Scene, int Attempt, long Sequence, string? LeaseUid = null);

/// <summary>How a heartbeat was taken.</summary>
abstract record BeatOutcome
{
    BeatOutcome()
    {
    }

    /// <param name="Drain">Set when the holder is to end: this answer tells it.</param>
    public sealed record Taken(int TimeoutSeconds, DrainOrder? Drain = null) : BeatOutcome;

    /// <summary>A sequence that is not above the last one: a repeat; nothing changed.</summary>
    public sealed record Repeated(int TimeoutSeconds, DrainOrder? Drain = null) : BeatOutcome;

    /// <param name="CurrentToken">The slot's current token, when there is a slot.</param>
    public sealed record Stale(string Why, long? CurrentToken) : BeatOutcome;
}

/// <summary>The holder is to end, and has this long until force.</summary>
sealed record DrainOrder(int GraceSeconds, string Why);

/// <summary>Who beat lately.</summary>
sealed record BeatGlance(DateTimeOffset DatabaseNow, IReadOnlyList<AttachedRow> Beaten);

/// <summary>One look at everything whose silence counts.</summary>
/// <param name="Attached">Attached attempts, and holders of leases without a task.</param>
/// <param name="Unattached">Granted leases to which nobody attached yet, from their grant on: a witness must watch for the whole deadline.</param>
/// <param name="Held">Leases to which somebody attached: what their grades hang on.</param>
/// <param name="Delayed">Leases whose slots are in quarantine and may be freed by time (R4).</param>
sealed record LivenessLook(
    DateTimeOffset DatabaseNow, IReadOnlyList<AttachedRow> Attached, IReadOnlyList<UnattachedRow> Unattached, IReadOnlyList<HeldRow> Held,
    IReadOnlyList<DelayedRow> Delayed);

sealed record DelayedRow(string LeaseUid, double SecondsInQuarantine, int LockDelaySeconds);

/// <param name="TaskUid">Null for the holder of a lease without a task.</param>
/// <param name="PodUid">Or the holder's own id, without a task.</param>
/// <param name="Pool">Empty for an attempt without a lease.</param>
/// <param name="Node">Empty for an attempt without a lease.</param>
/// <param name="IntervalSeconds">Between two beats; 0 when not on record.</param>
/// <param name="IsDetected">Its pool detects only, and has told of this lease: its silence changes nothing more.</param>
sealed record AttachedRow(
    string? TaskUid, int Scene, int Attempt, string PodUid, string? LeaseUid, long Sequence, double SilentSeconds, int TimeoutSeconds,
        string Pool, string Node,
    int IntervalSeconds, bool IsDetected = false);

/// <param name="Attempt">The attempt under this lease; null for a lease without a task.</param>
/// <param name="Times">With a stall that is on record, whether it lasts or not.</param>
/// <param name="Moves">How often a beat showed progress.</param>
/// <param name="SecondsSinceMove">Since the last one, or since the attach.</param>
sealed record HeldRow(string LeaseUid, AttemptRow? Attempt, HoldTimes Times, GradeTerms? Terms, long Moves, double SecondsSinceMove);

/// <param name="Attempt">The attempt that has a pod on record under this lease, when there is one.</param>
sealed record UnattachedRow(string LeaseUid, double WaitedSeconds, int StartDeadlineSeconds, AttemptRow? Attempt);

sealed record PoolSnapshot(long Waiting, IReadOnlyList<SlotSnapshot> Slots, DateTimeOffset DatabaseNow);

/// <param name="Names">Of the objects of all heads.</param>
/// <param name="Uses">What the holders of slots use of their devices, where it is counted.</param>
/// <param name="HeldByTenant">In all pools.</param>
/// <param name="GivingUp">Leases that waited for as long as they would.</param>
/// <param name="NextGiveUpSeconds">Until the next one does; null when none will.</param>
sealed record QueueSnapshot(
    IReadOnlyList<QueueGroup> Groups, IReadOnlyDictionary<string, ObjectKey> Names, IReadOnlyList<SlotSnapshot> Slots,
    IReadOnlyDictionary<string, DeviceNeed> Uses, IReadOnlyDictionary<string, int> HeldByTenant, IReadOnlyList<string> GivingUp,
    double? NextGiveUpSeconds);

/// <param name="Code">Null before the first round has seen it.</param>
/// <param name="Position">1 = next; null behind the first <see cref="LastPosition"/>.</param>
/// <param name="Length">Leases that wait in the pool; null where the position is.</param>
sealed record WaitRow(string? Code, string? Message, int? Position, long? Length)
{
    /// <summary>Places further behind change all the time and tell nobody anything.</summary>
    public const int LastPosition = 20;
}

sealed record ProgressRow(
    int Scene, int Attempt, string Phase, long Frames, long TotalFrames, long FpsMillis, long SpeedMillis, int PerMille, long OutputBytes,
    string? Message, double AgeSeconds);

/// <param name="Data">The event as stored, camelCase JSON.</param>
sealed record HistoryItem(long Sequence, string Stream, long Version, string Type, DateTimeOffset Timestamp, string? Actor, System.Text.Json.JsonElement Data);

sealed record NamedStream(string Uid, string Namespace, string Name);

/// <param name="Slot">With the lease that holds or held it; none for a slot that was free when the authority changed.</param>
/// <param name="Attempt">That lease's attempt, if it had a pod on record.</param>
sealed record HeldSlot(SlotSnapshot Slot, AttemptRow? Attempt);

sealed record AuthorityPod(string Uid, string Name, string Node);

/// <summary>Who may still use a slot after a change of authority, and is no pod.</summary>
/// <param name="BootId">Of the slot's node at the change; null when it was not ready, or told none.</param>
/// <param name="Ended">How its end was proven; null until then.</param>
sealed record AuthorityHolder(
    string LeaseUid, string Name, string Node, string Device, int Slot, long Token, string? BootId, string? Ended = null)
{
    public bool IsOn(SlotKey slot) => (slot.Node, slot.Device, slot.Slot) == (Node, Device, Slot);
}

sealed record ObservationGap(double GapSeconds, double DriftSeconds);

/// <summary>Somebody else changed a stream, a slot or a view row first. Always safe to load and decide again.</summary>
sealed class LedgerConflictException(string message, Exception inner) : Exception(message, inner);

/// <summary>The holder beat after its silence was seen: it lives, and nothing was changed.</summary>
sealed class SilenceBrokenException(string message, Exception inner) : Exception(message, inner);

/// <summary>A newer leader exists: this process must stop leading (R9).</summary>
sealed class LeadershipLostException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>PostgreSQL cannot be reached or cannot answer now; the outcome of a commit is unknown. Retrying is safe: every commit is guarded.</summary>
sealed class LedgerUnavailableException(string message, Exception inner) : Exception(message, inner);
