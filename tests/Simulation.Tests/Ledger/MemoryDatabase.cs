using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>
/// The simulated PostgreSQL: transactions, guards and views as the SQL of <see cref="PostgresLedger"/> has them. Every method is one
/// transaction, and either happens whole or throws and changes nothing. Both pass <see cref="LedgerContract"/>.
/// </summary>
sealed class MemoryDatabase(Func<DateTimeOffset> clock, string cluster = "cluster")
{
    static readonly InvalidOperationException Cause = new("refused by the database");

    public MemoryTables Tables { get; set; } = new();

    public string Cluster => cluster;

    /// <summary>What the server says of itself: its system identifier.</summary>
    public string System { get; set; } = "system-1";

    /// <summary>Rises with every promotion.</summary>
    public long Timeline { get; set; } = 1;

    /// <summary>Called with every event that was committed, in the order of the log.</summary>
    public Action<StoredEvent>? Appended { get; set; }

    /// <summary>Called with the epoch of every commit that has one.</summary>
    public Action<LeaderEpoch>? Led { get; set; }

    /// <summary>Called with every beat that was accepted.</summary>
    public Action<Heartbeat>? Beaten { get; set; }

    public DateTimeOffset Now => clock();

    public IReadOnlyList<StoredEvent> Stream(string name) => Tables.Streams.GetValueOrDefault(name) ?? [];

    public void Commit(LedgerCommit commit)
    {
        if (commit.IsEmpty)
            return;
        var t = new Transaction(this, commit.Actor);
        t.Require(commit.Epoch);
        t.MoveSlots(commit.Leases);
        foreach (var device in commit.Devices.Where(d => d.Events.Count > 0))
            t.MoveDevice(device);
        var bindings = commit.Leases.SelectMany(DeviceBinding.Of).ToList();
        foreach (var binding in bindings)
            t.Bind(binding);
        // In the order of their names, whatever order they came in: so that two commits never wait for each other.
        var appends = commit.Tasks.Select(x => (Stream: PostgresLedger.TaskStream(x.TaskUid), x.Before.Version, Events: Objects(x.Events)))
            .Concat(commit.Leases.Select(x => (Stream: PostgresLedger.LeaseStream(x.LeaseUid), x.Before.Version, Events: Objects(x.Events))));
        foreach (var append in appends.Where(x => x.Events.Count > 0).OrderBy(x => x.Stream, StringComparer.Ordinal))
            t.Append(append.Stream, append.Version, append.Events);
        foreach (var device in commit.Devices.Where(d => d.Events.Count > 0))
            t.Append(MemoryDevices.Stream(this, device.Before.State.Key.Device), null, Objects(device.Events));
        foreach (var binding in bindings)
            t.Append(MemoryDevices.Stream(this, binding.Slot.Device), null, [binding.Event]);
        foreach (var task in commit.Tasks)
        {
            foreach (var attached in task.Events.OfType<AttemptAttached>())
                t.FirstBeat(task.TaskUid, attached.Scene, attached.Attempt);
        }

        foreach (var lease in commit.Leases.Where(l => l.Before.State is { Request.TaskUid: null, Grant: not null }))
        {
            foreach (var attached in lease.Events.OfType<LeaseAttached>())
                t.FirstBeat(lease.LeaseUid, attached.PodUid, lease.Before.State.Grant!.Terms.HeartbeatTimeoutSeconds);
        }

        if (commit.Silence is { TaskUid: { } silent } seen && Tables.Liveness.TryGetValue((silent, seen.Scene, seen.Attempt), out var row)
            && row.Sequence != seen.Sequence)
            throw new SilenceBrokenException($"attempt {seen.Attempt} of task {silent} has beaten since", Cause);
        if (commit.Silence is { TaskUid: null, LeaseUid: { } of } held && Tables.Holders.TryGetValue(of, out var holder) && holder.Sequence != held.Sequence)
            throw new SilenceBrokenException($"the holder of lease {of} has beaten since", Cause);
        t.Commit();
    }

    /// <summary>Streams that nobody decides on: the version is whatever it is.</summary>
    public void AppendAny(string stream, string actor, LeaderEpoch? epoch, params IReadOnlyList<object> events)
    {
        var t = new Transaction(this, actor);
        t.Require(epoch);
        t.Append(stream, null, events);
        t.Commit();
    }

    public void ReturnSlot(SlotSnapshot slot, object told, string stream, string proof, string actor, LeaderEpoch? epoch)
    {
        var t = new Transaction(this, actor);
        t.Require(epoch);
        t.Move(new SlotChange(slot.Key, SlotState.Quarantined, slot.Token, SlotState.Free, slot.Token, null, proof));
        t.Append(stream, null, [told]);
        t.Commit();
    }

    public void Write(LeaderEpoch? epoch, Action<MemoryTables> change, string? stream = null, params IReadOnlyList<object> told)
    {
        var t = new Transaction(this, "operator");
        t.Require(epoch);
        t.Change(change);
        if (told.Count > 0)
            t.Append(stream!, null, told);
        t.Commit();
    }

    static IReadOnlyList<object> Objects(IReadOnlyList<object> events) => events;

    static LedgerConflictException Conflict(string message) => new(message, Cause);

    /// <summary>Changes a copy of what it touches; the tables themselves only at the end.</summary>
    sealed class Transaction(MemoryDatabase database, string actor)
    {
        readonly List<Action<MemoryTables>> _changes = [];
        readonly Dictionary<SlotKey, SlotRow> _slots = [];
        readonly List<StoredEvent> _events = [];
        readonly DateTimeOffset _now = database.Now;
        LeaderEpoch? _epoch;

        MemoryTables Tables => database.Tables;

        public void Require(LeaderEpoch? epoch)
        {
            _epoch = epoch;
            if (epoch is not null && Tables.Epochs.GetValueOrDefault(epoch.Role)?.Epoch != epoch.Epoch)
                throw new LeadershipLostException($"epoch {epoch.Epoch} of role {epoch.Role} is not current");
        }

        public void MoveSlots(IEnumerable<LeaseChange> changes)
        {
            var moves = changes.SelectMany(c => SlotChange.Of(c.Before.State, c.LeaseUid, c.Events))
                .OrderBy(m => m.Key.ToString(), StringComparer.Ordinal).ToList();
            foreach (var grant in moves.Where(m => m.To is SlotState.Granted))
                Grant(grant);
            foreach (var grant in moves.Where(m => m.To is SlotState.Granted))
                ExpectFit(grant.Key);
            foreach (var move in moves.Where(m => m.To is not SlotState.Granted))
                Move(move);
        }

        // grant_slots.sql
        void Grant(SlotChange m)
        {
            if (!Tables.HasAuthority)
                throw new LeadershipLostException("the server's authority was not taken over");
            if (Slot(m.Key) is not { Slot: { State: SlotState.Free, Traits.OutOfService: null } } row || row.Slot.Token != m.ToToken - 1)
                throw Conflict($"slot {m.Key} is no longer free under token {m.ToToken - 1}");
            var granted = row.Slot with { State = SlotState.Granted, Token = m.ToToken, LeaseUid = m.LeaseUid };
            _slots[m.Key] = row with { Slot = granted, Reason = null, ChangedAt = _now };
        }

        // expect_fit.sql
        void ExpectFit(SlotKey key)
        {
            var taken = Tables.Slots.Keys.Count(
                k => (k.Node, k.Device) == (key.Node, key.Device) && Slot(k)!.Slot.State is not SlotState.Free);
            var fitness = Tables.HealthOf(key)?.Fitness;
            if (fitness is DeviceFitness.Degraded || (fitness is DeviceFitness.Probation && taken > 1))
                throw Conflict($"device {key.Node}/{key.Device} is not fit for another lease");
        }

        // change_device.sql
        public void MoveDevice(DeviceChange change)
        {
            var key = change.Before.State.Key.ToString();
            if (Tables.Devices.GetValueOrDefault(key).Version != change.Before.Version)
                throw Conflict($"device {key} is no longer at version {change.Before.Version}");
            Change(t => t.Devices[key] = (change.After with { Since = _now }, change.Before.Version + 1));
        }

        // bind_slot.sql
        public void Bind(DeviceBinding b)
        {
            if (b.IsExclusive && Tables.BoundTo(b.Event.Uuid) is { } other && other.Key != b.Slot)
                throw Conflict($"device {b.Event.Uuid} is that of slot {other.Key}");
            if (Slot(b.Slot) is not { Slot.State: SlotState.Granted } row || row.Slot.Token != b.Event.Token)
                throw Conflict($"slot {b.Slot} is no longer granted under token {b.Event.Token}");
            _slots[b.Slot] = row with { BoundUuid = b.Event.Uuid, BoundToken = b.Event.Token };
        }

        // move_slot.sql
        public void Move(SlotChange m)
        {
            var (to, lease, why) = (m.To, m.LeaseUid, m.Reason);
            var row = Slot(m.Key);
            if (to is SlotState.Free && (!EndHolders(m.Key, row, why) || Tables.AuthorityPods.Values.Any(p => p.Node == m.Key.Node)))
                (to, lease, why) = (SlotState.Quarantined, null, "AuthorityChanged");
            var isAgain = lease is not null && row?.Slot.LeaseUid == lease
                && (to, row.Slot.State) == (SlotState.Quarantined, SlotState.Quarantined);
            if (row is null || row.Slot.Token != m.FromToken || !(row.Slot.State == m.From || isAgain))
                throw Conflict($"slot {m.Key} is no longer {m.From} under token {m.FromToken}");
            _slots[m.Key] = row with
            {
                Slot = row.Slot with
                {
                    State = to,
                    LeaseUid = lease,
                    Token = to is SlotState.Free ? Math.Max(m.ToToken, row.TokenFloor) : m.ToToken,
                },
                Reason = to is SlotState.Quarantined && row.Reason == "AuthorityChanged" ? row.Reason : to is SlotState.Free ? null : why,
                ChangedAt = _now,
            };
        }

        // What a proof means to the holders without a pod; true when none is left.
        bool EndHolders(SlotKey key, SlotRow? row, string? proof)
        {
            if (Tables.AuthorityHolders.Count == 0)
                return true;
            var on = Tables.AuthorityHolders.Values.Where(h => h.IsOn(key)).ToList();
            var ended = on.Where(h => h.Ended is not null || proof is "Person" or "NodeOutOfService"
                || (proof is "NodeAgent" or "NodeRebooted" or "LockDelay" && h.LeaseUid == row?.Slot.LeaseUid)).ToList();
            if (ended.Count == on.Count)
                Change(t => on.ForEach(h => t.AuthorityHolders.Remove(h.LeaseUid)));
            else
                Change(t => ended.ForEach(h => t.AuthorityHolders[h.LeaseUid] = h with { Ended = h.Ended ?? proof }));
            return ended.Count == on.Count;
        }

        SlotRow? Slot(SlotKey key) => _slots.TryGetValue(key, out var changed) ? changed : Tables.Slots.GetValueOrDefault(key);

        /// <param name="version">Null: whatever it is.</param>
        public void Append(string stream, long? version, IReadOnlyList<object> events)
        {
            var at = _events.Where(e => e.Stream == stream).Select(e => e.Version).LastOrDefault(database.Stream(stream).Count);
            if (version is { } expected && expected != at)
                throw Conflict($"stream {stream} is at version {at}, not {expected}");
            foreach (var e in events)
                _events.Add(new StoredEvent(Tables.Log.Count + _events.Count + 1, stream, ++at, e, _now, actor));
        }

        public void FirstBeat(string task, int scene, int attempt)
        {
            if (Tables.Liveness.ContainsKey((task, scene, attempt)))
                throw Conflict($"attempt {attempt} of task {task} has a first beat already");
            Change(x => x.Liveness[(task, scene, attempt)] = new LivenessRow(_now, _now));
        }

        public void FirstBeat(string lease, string holder, int timeout)
        {
            if (Tables.Holders.ContainsKey(lease))
                throw Conflict($"lease {lease} has a first beat already");
            Change(x => x.Holders[lease] = new HolderRow(holder, timeout, _now, _now));
        }

        public void Change(Action<MemoryTables> change) => _changes.Add(change);

        public void Commit()
        {
            foreach (var (key, row) in _slots)
                Tables.Slots[key] = row;
            foreach (var e in _events)
            {
                Tables.Log.Add(e);
                if (!Tables.Streams.TryGetValue(e.Stream, out var stream))
                    Tables.Streams[e.Stream] = stream = [];
                stream.Add(e);
                MemoryViews.Project(Tables, e);
            }

            foreach (var change in _changes)
                change(Tables);
            if (_epoch is not null)
                database.Led?.Invoke(_epoch);
            foreach (var e in _events)
                database.Appended?.Invoke(e);
        }
    }
}
