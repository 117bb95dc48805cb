using System.Text.Json;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Ledger;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>How a call reaches the database: directly, or through a network that loses it, or its answer.</summary>
interface IDatabaseWay
{
    Task<T> AskAsync<T>(string what, Func<T> work, CancellationToken cancel);
}

/// <summary>The ledger's port over a <see cref="MemoryDatabase"/>.</summary>
/// <param name="asWritten">What another version makes of a commit; null = this one's own.</param>
sealed class MemoryLedger(MemoryDatabase database, IDatabaseWay way, Func<LedgerCommit, LedgerCommit>? asWritten = null) : ILedger
{
    static readonly JsonSerializerOptions Json = EventJson.CreateOptions(EventTypesJson.Default);

    MemoryTables T => database.Tables;

    public Task<Loaded<TaskState>> LoadTaskAsync(string taskUid, CancellationToken cancel) => way.AskAsync("load task", () => Load(
        PostgresLedger.TaskStream(taskUid), TaskState.Initial, (s, e) => s.Evolve(e.Data, e.At)), cancel);

    public Task<Loaded<LeaseState>> LoadLeaseAsync(string leaseUid, CancellationToken cancel) =>
        way.AskAsync("load lease", () => Lease(leaseUid), cancel);

    public Task<IReadOnlyList<Loaded<LeaseState>>> LoadLeasesAsync(IReadOnlyList<string> leaseUids, CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<Loaded<LeaseState>>>("load leases", () => [.. leaseUids.Select(Lease)], cancel);

    public Task CommitAsync(LedgerCommit commit, CancellationToken cancel) =>
        commit.IsEmpty ? Task.CompletedTask : Do($"commit {Told(commit)}", () => database.Commit(asWritten?.Invoke(commit) ?? commit), cancel);

    public Task<AttemptRow?> FindAttemptByPodAsync(string podUid, CancellationToken cancel) =>
        way.AskAsync("find attempt", () => T.Attempts.Values.Select(a => a.Row).FirstOrDefault(a => a.PodUid == podUid), cancel);

    public Task<AttemptRow?> FindAttemptByLeaseAsync(string leaseUid, CancellationToken cancel) =>
        way.AskAsync("find attempt", () => AttemptOf(leaseUid)?.Row, cancel);

    public Task<SlotSnapshot?> FindSlotAsync(string node, string device, int slot, CancellationToken cancel) => way.AskAsync(
        "find slot",
        () => T.Slots.GetValueOrDefault(new SlotKey(database.Cluster, node, device, slot)) is { } row ? Shown(row) : null,
        cancel);

    public Task<BeatOutcome> BeatAsync(Heartbeat beat, CancellationToken cancel) => way.AskAsync("beat", () => Beat(beat), cancel);

    public Task<BeatOutcome> BeatHolderAsync(HolderBeat beat, CancellationToken cancel) => way.AskAsync("holder beat", () => Beat(beat), cancel);

    public Task<LivenessLook> ReadLivenessAsync(CancellationToken cancel) => way.AskAsync("look", Look, cancel);

    public Task<BeatGlance> ReadBeatsAsync(DateTimeOffset since, CancellationToken cancel) => way.AskAsync(
        "glance",
        () => new BeatGlance(database.Now, [.. Look().Attached.Where(a => a.SilentSeconds <= Since(since))]),
        cancel);

    public Task<PoolSnapshot> ReadPoolAsync(string pool, CancellationToken cancel) => way.AskAsync(
        "read pool", () => new PoolSnapshot(Math.Min(10_000, Waiting(pool).Count()), SlotsOf(pool), database.Now), cancel);

    public Task<QueueSnapshot> ReadQueueAsync(string pool, int heads, CancellationToken cancel) =>
        way.AskAsync($"read queue {pool}", () => Queue(pool, heads), cancel);

    public Task SetWaitsAsync(string pool, IReadOnlyList<WaitReason> reasons, LeaderEpoch epoch, CancellationToken cancel) => Do(
        "set waits",
        () => database.Write(epoch, t =>
        {
            foreach (var key in t.Waits.Keys.Where(k => k.Pool == pool).ToList())
                t.Waits.Remove(key);
            foreach (var r in reasons)
                t.Waits[(pool, r.Group.Tenant, r.Group.Need)] = (r.Code, r.Message);
        }),
        cancel);

    public Task<WaitRow?> FindWaitAsync(string leaseUid, CancellationToken cancel) =>
        way.AskAsync("find wait", () => Wait(leaseUid), cancel);

    public Task SyncDevicesAsync(string pool, IReadOnlyList<SlotSnapshot> found, LeaderEpoch epoch, CancellationToken cancel) =>
        Do("sync devices", () => MemoryDevices.Sync(database, pool, found, epoch), cancel);

    public Task<Loaded<DeviceHealth>> LoadDeviceAsync(string node, string device, CancellationToken cancel) => way.AskAsync(
        "load device",
        () => T.Devices.TryGetValue($"{node}/{device}", out var row)
            ? new Loaded<DeviceHealth>(row.Health, row.Version, database.Now)
            : new Loaded<DeviceHealth>(new DeviceHealth(new DeviceKey(database.Cluster, node, device)), 0, database.Now),
        cancel);

    public Task<IReadOnlyList<Loaded<DeviceHealth>>> ReadDevicesAsync(CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<Loaded<DeviceHealth>>>(
        "read devices", () => [.. T.Devices.Values.Select(d => new Loaded<DeviceHealth>(d.Health, d.Version, database.Now))], cancel);

    public Task<IReadOnlyList<ProgressRow>> ReadProgressAsync(string taskUid, CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<ProgressRow>>(
            "progress",
            () =>
            [
                .. T.Liveness.Where(l => l.Key.Task == taskUid).OrderBy(l => l.Key.Scene).ThenByDescending(l => l.Key.Attempt)
                    .Select(l => Progress(l.Key.Scene, l.Key.Attempt, l.Value)),
            ],
            cancel);

    public Task<IReadOnlyList<HistoryItem>> ReadTaskHistoryAsync(string taskUid, CancellationToken cancel) => way.AskAsync(
        "history",
        () => History(
        [
            PostgresLedger.TaskStream(taskUid),
            .. T.Leases.Where(l => l.Value.Request.TaskUid == taskUid).Select(l => PostgresLedger.LeaseStream(l.Key)),
        ]),
        cancel);

    public Task<IReadOnlyList<HistoryItem>> ReadLeaseHistoryAsync(string leaseUid, CancellationToken cancel) =>
        way.AskAsync("history", () => History([PostgresLedger.LeaseStream(leaseUid)]), cancel);

    public Task<IReadOnlyList<HistoryItem>> ReadDeviceHistoryAsync(string device, int leases, CancellationToken cancel) => way.AskAsync(
        "history",
        () => History(
        [
            MemoryDevices.Stream(database, device),
            .. T.Leases.Where(l => l.Value.Device == device && l.Value.Cluster == database.Cluster)
                .OrderByDescending(l => l.Value.GrantedAt).Take(leases).Select(l => PostgresLedger.LeaseStream(l.Key)),
        ]),
        cancel);

    public Task<IReadOnlyList<NamedStream>> ReadRunningTasksAsync(string after, int limit, CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<NamedStream>>(
            "running tasks",
            () =>
            [
                .. T.Tasks.Values.Where(t => t.Phase is "Accepted" or "Admitted" && string.CompareOrdinal(t.Uid, after) > 0)
                    .OrderBy(t => t.Uid, StringComparer.Ordinal).Take(limit).Select(t => new NamedStream(t.Uid, t.Namespace, t.Name)),
            ],
            cancel);

    public Task<NamedStream?> FindByNameAsync(string kind, string? ns, string name, CancellationToken cancel) => way.AskAsync(
        "find name",
        () => (kind == "lease"
                ? T.Leases.Select(
                    l => (Stream: new NamedStream(l.Key, l.Value.Request.Namespace, l.Value.Request.Name), At: l.Value.RequestedAt))
                : T.Tasks.Values.Select(t => (Stream: new NamedStream(t.Uid, t.Namespace, t.Name), At: t.CreatedAt)))
            .Where(x => (x.Stream.Name == name && (ns is null || x.Stream.Namespace == ns)) || x.Stream.Uid == name)
            .OrderByDescending(x => x.At).Select(x => x.Stream).FirstOrDefault(),
        cancel);

    public Task RecordBlindnessAsync(ObservationGap gap, LeaderEpoch epoch, CancellationToken cancel) => Do(
        $"blind for {gap.GapSeconds:0.0} s, drift {gap.DriftSeconds:0.0} s",
        () => database.AppendAny(
            Authority, "operator", epoch, new ObservationLost(gap.GapSeconds, gap.DriftSeconds), new ObservationResumed()),
        cancel);

    public Task RecordMassSilenceAsync(MassSilence.Change change, LeaderEpoch epoch, CancellationToken cancel)
    {
        var scope = change.Scope == MassSilence.Everywhere ? "all pools" : $"pool {change.Scope}";
        return Do(
            $"mass silence {change.Begins}",
            () => database.AppendAny(
                Authority, "operator", epoch,
                change.Begins ? new ObservationLost(0, 0, scope, change.Leases) : new ObservationResumed(scope)),
            cancel);
    }

    public Task<IReadOnlyList<HeldSlot>> ReadAuthoritySlotsAsync(CancellationToken cancel) => way.AskAsync<IReadOnlyList<HeldSlot>>(
        "authority slots",
        () =>
        [
            .. T.Slots.Values.Where(s => s.Slot.State is SlotState.Quarantined && s.Reason == "AuthorityChanged")
                .Select(Held),
        ],
        cancel);

    public Task<BoundSlot?> FindBoundAsync(string uuid, CancellationToken cancel) => way.AskAsync(
        "bound slot",
        () => T.BoundTo(uuid) is { } row && T.Leases.TryGetValue(row.Slot.LeaseUid!, out var lease)
            ? new BoundSlot(row.Slot, $"{lease.Request.Namespace}/{lease.Request.Name}", BeatOf(row.Slot.LeaseUid!), database.Now) : null,
        cancel);

    DateTimeOffset? BeatOf(string lease) => T.Attempts.Where(a => a.Value.Row.LeaseUid == lease)
        .Select(a => T.Liveness.GetValueOrDefault(a.Key)?.BeatAt).Max();

    public Task<IReadOnlyList<HeldSlot>> ReadHeldSlotsAsync(string node, CancellationToken cancel) => way.AskAsync<IReadOnlyList<HeldSlot>>(
        "held slots", () => [.. T.Slots.Values.Where(s => s.Key.Node == node && s.Slot.LeaseUid is not null).Select(Held)], cancel);

    public Task<IReadOnlyList<AuthorityPod>> ReadAuthorityPodsAsync(CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<AuthorityPod>>("authority pods", () => [.. T.AuthorityPods.Values], cancel);

    public Task ForgetAuthorityPodsAsync(string[] uids, LeaderEpoch epoch, CancellationToken cancel) =>
        uids.Length == 0 ? Task.CompletedTask : Do(
            "forget authority pods",
            () => database.Write(epoch, t =>
            {
                foreach (var uid in uids)
                    t.AuthorityPods.Remove(uid);
            }),
            cancel);

    public Task<IReadOnlyList<AuthorityHolder>> ReadAuthorityHoldersAsync(CancellationToken cancel) =>
        way.AskAsync<IReadOnlyList<AuthorityHolder>>("authority holders", () => [.. T.AuthorityHolders.Values], cancel);

    public Task EndAuthorityHoldersAsync(string[] leaseUids, string evidence, LeaderEpoch? epoch, CancellationToken cancel) =>
        leaseUids.Length == 0 ? Task.CompletedTask : Do(
            "end authority holders",
            () => database.Write(epoch, t =>
            {
                foreach (var uid in leaseUids)
                {
                    if (t.AuthorityHolders.TryGetValue(uid, out var holder))
                        t.AuthorityHolders[uid] = holder with { Ended = holder.Ended ?? evidence };
                }
            }),
            cancel);

    public Task ReturnSlotAsync(
        SlotSnapshot slot, string proof, string evidence, string actor, LeaderEpoch? epoch, CancellationToken cancel) => Do(
        $"return slot {slot.Key}",
        () => database.ReturnSlot(
            slot, new DeviceReturned(slot.Key.Node, slot.Key.Device, slot.Key.Slot, proof, evidence),
            MemoryDevices.Stream(database, slot.Key.Device), proof, actor, epoch),
        cancel);

    public Task<DateTimeOffset> NowAsync(CancellationToken cancel) => way.AskAsync("now", () => database.Now, cancel);

    string Authority => $"authority-{database.Cluster}";

    Task Do(string what, Action work, CancellationToken cancel) => way.AskAsync(
        what,
        () =>
        {
            work();
            return true;
        },
        cancel);

    static string Told(LedgerCommit commit) => string.Join(
        ", ", commit.Tasks.SelectMany(t => t.Events.Select(e => $"{t.TaskUid} {e.GetType().Name}"))
            .Concat(commit.Leases.SelectMany(l => l.Events.Select(e => $"{l.LeaseUid} {e.GetType().Name}")))
            .Concat(commit.Devices.SelectMany(d => d.Events.Select(e => $"{d.Before.State.Key} {e.GetType().Name}"))));

    Loaded<LeaseState> Lease(string uid) => Load(PostgresLedger.LeaseStream(uid), LeaseState.Initial, (s, e) => s.Evolve(e.Data, e.At));

    Loaded<TState> Load<TState>(string stream, TState seed, Func<TState, StoredEvent, TState> evolve)
    {
        var events = database.Stream(stream);
        return new Loaded<TState>(events.Aggregate(seed, evolve), events.Count, database.Now);
    }

    double Since(DateTimeOffset at) => (database.Now - at).TotalSeconds;

    AttemptView? AttemptOf(string leaseUid) => T.Attempts.Values.FirstOrDefault(a => a.Row.LeaseUid == leaseUid);

    SlotRow? SlotOf(string leaseUid) => T.Slots.Values.FirstOrDefault(s => s.Slot.LeaseUid == leaseUid);

    SlotSnapshot Shown(SlotRow row)
    {
        var (traits, health) = (row.Slot.Traits, T.HealthOf(row.Key));
        return row.Slot with
        {
            Traits = traits with
            {
                OutOfService = traits.OutOfService ?? (health?.Fitness is DeviceFitness.Degraded ? "Degraded" : null),
                Reason = row.Reason ?? traits.Reason ?? health?.Reason,
                OnProbation = health?.Fitness is DeviceFitness.Probation,
            },
        };
    }

    IEnumerable<KeyValuePair<string, LeaseRow>> Waiting(string pool) =>
        T.Leases.Where(l => l.Value.Request.Pool == pool && l.Value.State == "Pending");

    ProgressRow Progress(int scene, int attempt, LivenessRow l) => new(
        scene, attempt, l.Phase, l.Frames, l.TotalFrames, l.FpsMillis, l.SpeedMillis, l.PerMille, l.OutputBytes, l.Message,
        Since(l.BeatAt));

    IReadOnlyList<SlotSnapshot> SlotsOf(string pool) => [.. T.Slots.Values.Where(s => s.Slot.Pool == pool).Select(Shown)];

    IReadOnlyList<HistoryItem> History(IReadOnlyList<string> streams) =>
    [
        .. streams.SelectMany(database.Stream).OrderBy(e => e.Sequence).Select(e => new HistoryItem(
            e.Sequence, e.Stream, e.Version, EventAlias.Of(e.Data.GetType()), e.At, e.Actor,
            JsonSerializer.SerializeToElement(e.Data, e.Data.GetType(), Json))),
    ];

    BeatOutcome Beat(Heartbeat b)
    {
        var key = (b.TaskUid, b.Scene, b.Attempt);
        var attempt = T.Attempts.GetValueOrDefault(key);
        var slot = attempt?.Row.LeaseUid is { } lease ? SlotOf(lease) : null;
        var isHolder = attempt is { State: "Attached" } && attempt.Row.PodUid == b.PodUid && (b.LeaseUid is null
            ? attempt.Row.LeaseUid is null
            : attempt.Row.LeaseUid == b.LeaseUid && slot is { Slot.State: SlotState.Granted } && slot.Slot.Token == b.Token);
        if (!isHolder)
            return Stale(b);
        var held = attempt!.Row.LeaseUid is { } uid ? T.Leases.GetValueOrDefault(uid) : null;
        var drain = DrainOf(held);
        var l = T.Liveness[key];
        if (l.Sequence >= b.Sequence)
            return new BeatOutcome.Repeated(attempt.Timeout, drain);
        var moved = l.Phase != b.Phase || l.Frames != b.Frames || l.PerMille != b.PerMille || l.OutputBytes != b.OutputBytes
            || b.Phase is "Uploading" or "Completing" || (b.Phase == "Fetching" && l.Message != b.Message);
        T.Liveness[key] = l with
        {
            Sequence = b.Sequence,
            BeatAt = database.Now,
            Phase = b.Phase,
            Frames = b.Frames,
            TotalFrames = b.TotalFrames,
            FpsMillis = b.FpsMillis,
            SpeedMillis = b.SpeedMillis,
            PerMille = b.PerMille,
            OutputBytes = b.OutputBytes,
            Message = b.Message,
            Progress = l.Progress + (moved ? 1 : 0),
            ProgressAt = moved ? database.Now : l.ProgressAt,
            DrainToldAt = l.DrainToldAt ?? (drain is null ? null : database.Now),
        };
        database.Beaten?.Invoke(b);
        return new BeatOutcome.Taken(attempt.Timeout, drain);
    }

    BeatOutcome Beat(HolderBeat b)
    {
        var (lease, slot) = (T.Leases.GetValueOrDefault(b.LeaseUid), SlotOf(b.LeaseUid));
        if (!T.Holders.TryGetValue(b.LeaseUid, out var h) || h.Holder != b.Holder || lease is not { IsHeld: true }
            || slot is not { Slot.State: SlotState.Granted } || slot.Slot.Token != b.Token)
        {
            return new BeatOutcome.Stale(
                lease is null ? $"no lease {b.LeaseUid} is on record"
                    : h is not null && h.Holder != b.Holder ? $"the lease is {lease.State}, and held by {h.Holder}" : $"the lease is {lease.State}",
                slot?.Slot.Token);
        }

        var drain = DrainOf(lease);
        if (h.Sequence >= b.Sequence)
            return new BeatOutcome.Repeated(h.Timeout, drain);
        var moved = h.PerMille != b.PerMille || h.Message != b.Message;
        T.Holders[b.LeaseUid] = h with
        {
            Sequence = b.Sequence,
            BeatAt = database.Now,
            PerMille = b.PerMille,
            Message = b.Message,
            Progress = h.Progress + (moved ? 1 : 0),
            ProgressAt = moved ? database.Now : h.ProgressAt,
            DrainToldAt = h.DrainToldAt ?? (drain is null ? null : database.Now),
        };
        return new BeatOutcome.Taken(h.Timeout, drain);
    }

    DrainOrder? DrainOf(LeaseRow? lease) => lease?.DrainAt is { } at
        ? new DrainOrder(Math.Max(1, (int)Math.Ceiling((at.AddSeconds(lease.DrainSeconds) - database.Now).TotalSeconds)), lease.DrainMessage ?? "")
        : null;

    BeatOutcome.Stale Stale(Heartbeat b)
    {
        if (T.Attempts.Values.FirstOrDefault(a => a.Row.PodUid == b.PodUid) is not { } attempt)
            return new BeatOutcome.Stale("no attempt is on record for this pod", null);
        var lease = attempt.Row.LeaseUid is { } uid ? T.Leases.GetValueOrDefault(uid)?.State : null;
        return new BeatOutcome.Stale(
            $"the attempt is {attempt.State}{(lease is null ? "" : $", its lease {lease}")}",
            attempt.Row.LeaseUid is { } l ? SlotOf(l)?.Slot.Token : null);
    }

    LivenessLook Look() => new(
        database.Now,
        [
            .. T.Attempts.Where(a => a.Value.State == "Attached" && T.Liveness.ContainsKey(a.Key)).Select(a =>
            {
                var (row, live) = (a.Value.Row, T.Liveness[a.Key]);
                var lease = row.LeaseUid is { } uid ? T.Leases.GetValueOrDefault(uid) : null;
                return new AttachedRow(
                    row.TaskUid, row.Scene, row.Attempt, row.PodUid, row.LeaseUid, live.Sequence, Since(live.BeatAt), a.Value.Timeout,
                    lease?.Request.Pool ?? "", row.LeaseUid is { } l ? SlotOf(l)?.Key.Node ?? "" : "",
                    lease?.Request.Terms.HeartbeatIntervalSeconds ?? 0, lease?.IsDetected ?? false);
            }),
            .. T.Holders.Where(h => T.Leases[h.Key].IsHeld).Select(h => new AttachedRow(
                null, 0, 0, h.Value.Holder, h.Key, h.Value.Sequence, Since(h.Value.BeatAt), h.Value.Timeout, T.Leases[h.Key].Request.Pool,
                SlotOf(h.Key)?.Key.Node ?? "", T.Leases[h.Key].Request.Terms.HeartbeatIntervalSeconds, T.Leases[h.Key].IsDetected)),
        ],
        [
            .. T.Leases.Where(l => l.Value is { State: "Granted", Attached: false }).Select(l => new UnattachedRow(
                l.Key, Since(l.Value.GrantedAt!.Value), l.Value.Request.Terms.StartDeadlineSeconds,
                AttemptOf(l.Key) is { State: "Started" } started ? started.Row : null)),
        ],
        [.. T.Leases.Where(l => l.Value is { IsHeld: true, Attached: true }).Select(l => Held(l.Key, l.Value))],
        [
            .. T.Slots.Values.Where(s => s.Slot.State is SlotState.Quarantined && s.Slot.LeaseUid is { } uid && DelayOf(uid) > 0)
                .Select(s => new DelayedRow(s.Slot.LeaseUid!, Since(s.ChangedAt), DelayOf(s.Slot.LeaseUid!))),
        ]);

    int DelayOf(string leaseUid) => T.Leases.GetValueOrDefault(leaseUid)?.Request.Terms.LockDelay?.LockDelaySeconds ?? 0;

    HeldSlot Held(SlotRow s) => new(Shown(s), s.Slot.LeaseUid is { } uid ? AttemptOf(uid)?.Row : null);

    HeldRow Held(string uid, LeaseRow lease)
    {
        var attempt = AttemptOf(uid);
        var live = attempt is null ? null : T.Liveness.GetValueOrDefault((attempt.Row.TaskUid, attempt.Row.Scene, attempt.Row.Attempt));
        var holder = T.Holders.GetValueOrDefault(uid);
        var drain = lease.DrainAt is { } at ? new DrainOnRecord(at, lease.DrainCause, lease.DrainSeconds) : null;
        var grades = lease.Request.Terms.Grades is { DrainGraceSeconds: > 0 } g ? g with
        {
            ProgressTimeoutSeconds = holder is { Progress: 0 } ? 0 : g.ProgressTimeoutSeconds,
        } : null;
        var (moves, movedAt) = live is not null ? (live.Progress, (DateTimeOffset?)live.ProgressAt)
            : holder is not null ? (holder.Progress, holder.ProgressAt) : (0, null);
        return new HeldRow(
            uid, attempt?.Row, new HoldTimes(
                lease.GrantedAt!.Value, lease.WarnedAt, lease.StalledAt, drain, live?.DrainToldAt ?? holder?.DrainToldAt,
                lease.Request.Terms.DetectOnly is true, lease.DetectedAt is not null),
            grades, moves, movedAt is { } moved ? Since(moved) : 0);
    }

    QueueSnapshot Queue(string pool, int heads)
    {
        var waiting = Waiting(pool).ToList();
        var groups = waiting.GroupBy(l => (l.Value.Tenant, l.Value.Need))
            .OrderBy(g => g.Key.Tenant, StringComparer.Ordinal).ThenBy(g => g.Key.Need.VramMiB).ThenBy(g => g.Key.Need.EncodeSessions)
            .ThenBy(g => g.Key.Need.DecodeSessions)
            .Select(g => new QueueGroup(
                g.Key.Tenant, g.Key.Need,
                [
                    .. g.OrderBy(l => l.Value.QueueAt).ThenBy(l => l.Key, StringComparer.Ordinal).Take(heads)
                        .Select(l => new WaitingLease(l.Key, l.Value.QueueAt)),
                ],
                g.Count() >= heads)).ToList();
        var slots = SlotsOf(pool);
        var giving = waiting.Where(l => l.Value.GiveUpAt is not null).OrderBy(l => l.Value.GiveUpAt).Take(heads)
            .Select(l => (Uid: l.Key, Seconds: (l.Value.GiveUpAt!.Value - database.Now).TotalSeconds)).ToList();
        return new QueueSnapshot(
            groups,
            groups.SelectMany(g => g.Heads).ToDictionary(
                h => h.LeaseUid, h => new ObjectKey(T.Leases[h.LeaseUid].Request.Namespace, T.Leases[h.LeaseUid].Request.Name),
                StringComparer.Ordinal),
            slots,
            slots.Where(s => s.LeaseUid is { } uid && T.Leases.TryGetValue(uid, out var l) && l.Need != DeviceNeed.None)
                .ToDictionary(s => s.LeaseUid!, s => T.Leases[s.LeaseUid!].Need, StringComparer.Ordinal),
            T.Leases.Values.Where(l => l.IsHeld).GroupBy(l => l.Tenant).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal),
            [.. giving.Where(g => g.Seconds <= 0).Select(g => g.Uid)],
            giving.Where(g => g.Seconds > 0).Select(g => (double?)g.Seconds).FirstOrDefault());
    }

    WaitRow? Wait(string uid)
    {
        if (!T.Leases.TryGetValue(uid, out var lease) || lease.State != "Pending")
            return null;
        var queue = Waiting(lease.Request.Pool).ToList();
        var place = queue.Count(
            l => l.Value.QueueAt < lease.QueueAt || (l.Value.QueueAt == lease.QueueAt && string.CompareOrdinal(l.Key, uid) <= 0));
        var told = T.Waits.TryGetValue((lease.Request.Pool, lease.Tenant, lease.Need), out var wait);
        var isAmongFirst = place <= WaitRow.LastPosition;
        return new WaitRow(
            told ? wait.Code : null, told ? wait.Message : null, isAmongFirst ? place : null, isAmongFirst ? Math.Min(10_000, queue.Count) : null);
    }
}
