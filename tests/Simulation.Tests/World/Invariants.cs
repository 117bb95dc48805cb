using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;
using Framelease.Simulation.Tests.Engine;
using Framelease.Simulation.Tests.Ledger;

namespace Framelease.Simulation.Tests.World;

/// <summary>What holds after every step, judged from the log, the rows and the truth that no process sees.</summary>
sealed class Invariants(Scheduler simulation, SimulatedWorld world)
{
    const string LeasePrefix = "lease-";

    readonly Dictionary<SlotKey, Seat> _seats = [];
    readonly Dictionary<(string Node, string Device), DeviceHealth> _devices = [];
    readonly Dictionary<string, LeaseState> _leases = new(StringComparer.Ordinal);
    readonly Dictionary<string, TimeSpan> _lastBeat = new(StringComparer.Ordinal);
    readonly Dictionary<string, int> _commits = new(StringComparer.Ordinal);

    readonly Dictionary<string, TimeSpan> _requested = new(StringComparer.Ordinal);
    readonly Dictionary<SlotKey, long> _highest = [];
    readonly Dictionary<string, long> _epochs = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _leaseOfPod = new(StringComparer.Ordinal);
    readonly HashSet<string> _finished = new(StringComparer.Ordinal);
    readonly HashSet<string> _shown = new(StringComparer.Ordinal);

    /// <summary>Counts of what happened, to tell a world in which something happened from one in which nothing did.</summary>
    public Dictionary<string, int> Seen { get; } = new(StringComparer.Ordinal);

    public void Recorded(StoredEvent e)
    {
        Count(e.Data.GetType().Name);
        switch (e.Data)
        {
            case LeaseExpired x:
                Count($"LeaseExpired {x.Cause}");
                break;
            case LeaseDrainRequested d:
                Count($"LeaseDrainRequested {d.Cause}");
                break;
            case SlotFreed f:
                Count($"SlotFreed {f.Proof}");
                break;
            case DeviceDegraded d:
                Count($"DeviceDegraded {d.By}");
                Device(d.Node, d.Device, d, e.At);
                break;
            case DeviceOnProbation d:
                Device(d.Node, d.Device, d, e.At);
                break;
            case DeviceReturned { Proof: "InService" or "ProbedClean" or "PersonSaysFit" } d:
                Count($"DeviceReturned {d.Proof}");
                Device(d.Node, d.Device, d, e.At);
                break;
            case DeviceReturned d when Enum.TryParse<FreeProof>(d.Proof, out _):
                Count($"DeviceReturned {d.Proof}");
                var slot = new SlotKey("cluster", d.Node, d.Device, d.Slot);
                SetFree(slot, _seats[slot].Token, d.Proof);
                break;
            case AuthorityChanged:
                AllInQuarantine();
                break;
            case AttemptStarted a:
                if (a.LeaseUid is { } of)
                    _leaseOfPod[a.PodUid] = of;
                Hold(!_finished.Contains(e.Stream), $"{e.Stream} had ended in the sight of Kubernetes and is run again");
                break;
        }

        if (e.Stream.StartsWith(LeasePrefix, StringComparison.Ordinal))
            Lease(e, e.Stream[LeasePrefix.Length..]);
        else if (ResultOf(e) is { } result)
            OneResult(result);
    }

    // Of a task, or of one of its scenes.
    static string? ResultOf(StoredEvent e) => e.Data switch
    {
        OutputCommitted => e.Stream,
        SceneCommitted c => $"scene {c.Scene} of {e.Stream}",
        _ => null,
    };

    /// <summary>One leader a role: nothing is recorded in the name of one who was followed by another.</summary>
    public void Led(LeaderEpoch epoch)
    {
        var newest = world.Server.Database.Tables.Epochs.GetValueOrDefault(epoch.Role)?.Epoch;
        Hold(newest == epoch.Epoch, $"a commit of epoch {epoch.Epoch} of {epoch.Role} was accepted; the newest is {newest}");
        var highest = _epochs.GetValueOrDefault(epoch.Role);
        Hold(epoch.Epoch >= highest, $"a commit of epoch {epoch.Epoch} of {epoch.Role} was accepted after one of {highest}");
        _epochs[epoch.Role] = epoch.Epoch;
    }

    /// <summary>The lease under which a worker was let in, whether or not the log still knows.</summary>
    public string? LeaseOf(SimPod pod) => _leaseOfPod.GetValueOrDefault(pod.Uid);

    /// <summary>
    /// The log is an earlier one again. Tokens and epochs go on above everything that was ever handed out, and what Kubernetes showed stays done.
    /// </summary>
    /// <param name="finished">Tasks that were shown as ended.</param>
    /// <param name="shown">Leases that were shown with a slot.</param>
    public void Restored(IEnumerable<string> finished, IEnumerable<string> shown)
    {
        Count("Restored");
        var tables = world.Server.Database.Tables;
        _finished.UnionWith(finished.Select(PostgresLedger.TaskStream));
        _seats.Clear();
        foreach (var (key, row) in tables.Slots)
            _seats[key] = new Seat(row.Slot.LeaseUid, row.Slot.Token, row.Slot.State);
        _devices.Clear();
        foreach (var (health, _) in tables.Devices.Values)
            _devices[(health.Key.Node, health.Key.Device)] = health;
        _leases.Clear();
        _commits.Clear();
        foreach (var e in tables.Log)
        {
            if (e.Stream.StartsWith(LeasePrefix, StringComparison.Ordinal))
                _leases[e.Stream[LeasePrefix.Length..]] = State(e.Stream[LeasePrefix.Length..]).Evolve((ILeaseEvent)e.Data, e.At);
            else if (ResultOf(e) is { } result)
                _commits[result] = _commits.GetValueOrDefault(result) + 1;
        }

        _shown.UnionWith(shown.Where(uid => State(uid).Grant is null));
    }

    /// <summary>No accepted write with an old token.</summary>
    public void Beaten(Heartbeat beat)
    {
        Count("Beat");
        var lease = State(beat.LeaseUid!);
        Hold(
            lease.IsGranted && lease.Grant!.Token == beat.Token,
            $"beat of pod {beat.PodUid} under token {beat.Token} was accepted; its lease is {lease.Phase}");
        Hold(
            _seats.TryGetValue(lease.Grant!.Slot, out var seat) && seat.Lease == beat.LeaseUid && seat.Token == beat.Token,
            $"beat of pod {beat.PodUid} was accepted; slot {lease.Grant.Slot} is under token {seat?.Token} of lease {seat?.Lease}");
        _lastBeat[beat.LeaseUid!] = simulation.Elapsed;
    }

    /// <summary>No device with two processes: a worker touches its device after attach, and only one may.</summary>
    public void DeviceTaken(SimPod pod)
    {
        pod.UsesDevice = true;
        simulation.Say($"{pod.Name} takes {pod.Slot}");
        var other = world.Cluster.Pods.FirstOrDefault(p => p != pod && p is { UsesDevice: true, IsRunning: true } && p.Slot == pod.Slot);
        Hold(other is null, $"pods {other?.Name} and {pod.Name} both use slot {pod.Slot}");
    }

    /// <summary>
    /// A kubelet that hands out devices has none for a pod: a slot was free before the card of its last holder was. Nobody is harmed, and
    /// where nothing goes wrong it never happens.
    /// </summary>
    public void NoCardLeft(SimPod pod)
    {
        simulation.Say($"kubelet of {pod.Node}: no card left for {pod.Name}");
        Hold(!world.Plan.IsCalm, $"pod {pod.Name} finds no card on {pod.Node}");
    }

    /// <summary>History alone explains the state: the rows are what the events say.</summary>
    public void RowsEqualTheLog()
    {
        foreach (var (key, row) in world.Server.Database.Tables.Slots)
        {
            var seat = _seats.GetValueOrDefault(key) ?? new Seat(null, 0, SlotState.Free);
            Hold(
                (row.Slot.LeaseUid, row.Slot.Token, row.Slot.State) == (seat.Lease, seat.Token, seat.State),
                $"slot {key} is {row.Slot.State} under token {row.Slot.Token} of {row.Slot.LeaseUid}; the log says {seat}");
        }

        foreach (var (health, _) in world.Server.Database.Tables.Devices.Values)
        {
            var told = HealthOf(health.Key.Node, health.Key.Device);
            Hold(
                (health.Fitness, health.By, health.Failures) == (told.Fitness, told.By, told.Failures),
                $"device {health.Key} is {health.Fitness} by {health.By}; the log says {told.Fitness} by {told.By}");
        }

        foreach (var (uid, row) in world.Server.Database.Tables.Leases)
            Hold(row.State == State(uid).Phase.ToString(), $"lease {uid} is {row.State}; the log says {State(uid).Phase}");
    }

    public bool IsAtRest() =>
        world.IsSettled && _leases.Values.All(l => l.IsEnded) && _seats.Values.All(s => s.State is SlotState.Free);

    /// <summary>When all faults are over and time enough has passed.</summary>
    public void AtTheEnd()
    {
        RowsEqualTheLog();
        foreach (var uid in world.TaskUids)
        {
            var events = world.Server.Database.Stream(PostgresLedger.TaskStream(uid));
            var state = events.Aggregate(TaskState.Initial, (s, e) => s.Evolve(e.Data, e.At));
            Hold(state.IsEnded, $"task {uid} waits for ever: it is {state.Phase} after {Told(events)}");
        }

        foreach (var (uid, lease) in _leases)
            Hold(lease.IsEnded, $"lease {uid} never ends: it is {lease.Phase}");
        foreach (var (key, seat) in _seats)
        {
            var told = Told(world.Server.Database.Stream(LeasePrefix + seat.Lease));
            Hold(seat.State is SlotState.Free, $"slot {key} is never free again: {seat} after {told}");
        }
    }

    static string Told(IEnumerable<StoredEvent> events) => string.Join(", ", events.Select(e => e.Data.GetType().Name));

    void Lease(StoredEvent e, string uid)
    {
        var before = State(uid);
        var data = (ILeaseEvent)e.Data;
        Hold(
            !before.IsEnded || data is SlotQuarantined or SlotFreed or StaleHolderRejected,
            $"lease {uid} is {before.Phase} and gets another {data.GetType().Name}");
        OnceAndInOrder(uid, before, data);
        if (data is LeaseRequested)
            _requested[uid] = simulation.Elapsed;
        _leases[uid] = before.Evolve(data, e.At);
        switch (data)
        {
            case LeaseGranted g:
                Granted(uid, g);
                break;
            case LeaseAttached:
                _lastBeat[uid] = simulation.Elapsed;
                break;
            case LeaseReleased { SlotHeld: not true }:
                Seat(before.Grant!, uid, new Seat(null, before.Grant!.Token, SlotState.Free));
                SetFree(before.Grant.Slot, before.Grant.Token, "the release of its lease");
                break;
            case SlotQuarantined q:
                Seat(before.Grant!, uid, new Seat(uid, q.Token, SlotState.Quarantined));
                break;
            case SlotFreed f:
                Freed(uid, before, f);
                break;
            case LeaseExpired { Cause: ExpiryCause.HeartbeatLost }:
                NotBlind(uid, before);
                break;
            case LeaseExpired { Cause: ExpiryCause.StartDeadline }:
                Hold(
                    !world.Plan.IsCalm || before.Request!.TaskUid is null,
                    $"the grant of {uid} was not taken up, and nothing was in its way");
                break;
        }
    }

    // Tokens only grow, and a slot that somebody has, or may still use, is nobody else's.
    void Granted(string uid, LeaseGranted g)
    {
        var seat = _seats.GetValueOrDefault(g.Slot) ?? new Seat(null, 0, SlotState.Free);
        Hold(seat.State is SlotState.Free, $"slot {g.Slot} is granted to {uid} while it is {seat}");
        Hold(g.Token > seat.Token, $"slot {g.Slot}: token {g.Token} does not lie above {seat.Token}");
        var highest = _highest.GetValueOrDefault(g.Slot);
        Hold(g.Token > highest, $"slot {g.Slot}: token {g.Token} is granted, and {highest} was before the database was set back");
        Hold(!_shown.Contains(uid), $"lease {uid} had a slot in the sight of Kubernetes and is granted again");
        _highest[g.Slot] = g.Token;
        InTurn(uid);
        _seats[g.Slot] = new Seat(uid, g.Token, SlotState.Granted);
        var health = HealthOf(g.Slot.Node, g.Slot.Device);
        var taken = _seats.Count(s => (s.Key.Node, s.Key.Device) == (g.Slot.Node, g.Slot.Device) && s.Value.State is not SlotState.Free);
        Hold(health.Fitness is not DeviceFitness.Degraded, $"slot {g.Slot} is granted to {uid}; its device is degraded: {health.Reason}");
        Hold(
            health.Fitness is not DeviceFitness.Probation || taken == 1,
            $"slot {g.Slot} is granted to {uid}; its device is on probation, and {taken} slots of it are taken");
    }

    // Nobody waits beyond the bound: who wants the same and stands before them in the queue was served, as far as the dispatcher could know.
    void InTurn(string uid)
    {
        var leases = world.Server.Database.Tables.Leases;
        var (pool, look) = (leases[uid].Request.Pool, world.Server.LooksOfCaller.GetValueOrDefault(Look.OfQueue(leases[uid].Request.Pool)));
        Hold(look is { At: not null }, $"lease {uid} is granted without a look at the queue");
        var overtaken = leases.FirstOrDefault(o => o.Value.State == "Pending" && o.Value.Request.Pool == pool
            && (o.Value.Tenant, o.Value.Need) == (leases[uid].Tenant, leases[uid].Need) && o.Value.QueueAt < leases[uid].QueueAt
            && _requested.GetValueOrDefault(o.Key, TimeSpan.MaxValue) <= look?.At);
        Hold(overtaken.Key is null, $"lease {uid} is granted before {overtaken.Key}, which stands before it in the queue");
    }

    void Device(string node, string device, IDeviceEvent e, DateTimeOffset at) =>
        _devices[(node, device)] = HealthOf(node, device).Evolve(e, at);

    DeviceHealth HealthOf(string node, string device) =>
        _devices.GetValueOrDefault((node, device)) ?? new DeviceHealth(new DeviceKey("cluster", node, device));

    void Seat(LeaseGranted grant, string uid, Seat next)
    {
        var seat = _seats.GetValueOrDefault(grant.Slot);
        Hold(seat is not null && seat.Lease == uid && seat.Token == grant.Token, $"lease {uid} moves slot {grant.Slot}, which is {seat}");
        _seats[grant.Slot] = next;
    }

    // What frees must be true: nobody who was let in under this token still runs on the device.
    void Freed(string uid, LeaseState before, SlotFreed f)
    {
        Seat(before.Grant!, uid, new Seat(null, f.Token, SlotState.Free));
        var left = world.Cluster.Pods.FirstOrDefault(p => p.LeaseUid == uid && p is { UsesDevice: true, IsRunning: true });
        Hold(left is null, $"slot {f.Slot} is freed by {f.Proof} while pod {left?.Name} uses it");
        SetFree(f.Slot, f.Token, f.Proof.ToString());
    }

    // After a change of authority it stays in quarantine until everybody of before is gone from it (R12).
    void SetFree(SlotKey key, long token, string proof)
    {
        var tables = world.Server.Database.Tables;
        if (tables.AuthorityPods.Values.Any(p => p.Node == key.Node) || tables.AuthorityHolders.Values.Any(h => h.IsOn(key)))
        {
            _seats[key] = new Seat(null, token, SlotState.Quarantined);
            return;
        }

        _seats[key] = new Seat(null, Math.Max(token, tables.Slots[key].TokenFloor), SlotState.Free);
        var left = world.Cluster.Pods.FirstOrDefault(p => p.Slot == key && p is { UsesDevice: true, IsRunning: true });
        Hold(left is null, $"slot {key} is free by {proof} while {left?.Name} uses it");
    }

    void AllInQuarantine()
    {
        foreach (var key in world.Server.Database.Tables.Slots.Keys)
            _seats[key] = (_seats.GetValueOrDefault(key) ?? new Seat(null, 0, SlotState.Free)) with { State = SlotState.Quarantined };
    }

    // A full timeout without a beat, by true time, of which the authority was there for all.
    void NotBlind(string uid, LeaseState before)
    {
        const double tolerance = 0.93;
        var timeout = before.Grant!.Terms.HeartbeatTimeoutSeconds * tolerance;
        var silent = (simulation.Elapsed - _lastBeat.GetValueOrDefault(uid)).TotalSeconds;
        Hold(silent >= timeout, $"lease {uid} expired after {silent:0.0} s of silence");
        // At the look on which it was decided; the commit itself may be late, and arrive after another outage.
        var look = world.Server.LooksOfCaller.GetValueOrDefault(Look.AtLiveness)?.At;
        Hold(look is not null, $"lease {uid} expired for silence without a look");
        var seeing = world.Server.PresentFor(look!.Value).TotalSeconds;
        Hold(seeing >= timeout, $"lease {uid} expired on a look {seeing:0.0} s after the authority came back");
    }

    void OnceAndInOrder(string uid, LeaseState before, ILeaseEvent e)
    {
        switch (e)
        {
            case LeaseWarned:
                Hold(before is { WarnedAt: null, Drain: null }, $"lease {uid} is warned twice, or after the drain");
                break;
            case LeaseDrainRequested:
                Hold(before.Drain is null, $"lease {uid} is asked to end twice");
                break;
            case LeaseGranted:
                Hold(before.Phase is LeasePhase.Pending, $"lease {uid} is granted when it is {before.Phase}");
                break;
            case LeaseAttached:
                Hold(before.Attachment is null, $"lease {uid} is attached twice");
                break;
        }
    }

    void OneResult(string of)
    {
        _commits[of] = _commits.GetValueOrDefault(of) + 1;
        Hold(_commits[of] == 1, $"{of} has two outputs");
    }

    void Count(string what) => Seen[what] = Seen.GetValueOrDefault(what) + 1;

    LeaseState State(string uid) => _leases.GetValueOrDefault(uid) ?? LeaseState.Initial;

    void Hold(bool holds, string otherwise)
    {
        // What is thrown inside a transaction would look like its failure.
        if (!holds)
            simulation.Fail(new InvariantBrokenException(otherwise));
    }
}

/// <summary>What the log says of a slot.</summary>
sealed record Seat(string? Lease, long Token, SlotState State);

sealed class InvariantBrokenException(string message) : Exception(message);
