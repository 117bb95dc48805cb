// Judges a history by its events alone: it keeps its own, simpler books and shares no code with the deciders or the states.
using System.Runtime.CompilerServices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Histories;

sealed class BrokenInvariant(string message) : Exception(message);

/// <summary>A message that is only put together when it is needed: these checks run a million times.</summary>
[InterpolatedStringHandler]
ref struct Complaint
{
    DefaultInterpolatedStringHandler _text;

    public Complaint(int literals, int holes, bool holds, out bool isNeeded)
    {
        isNeeded = !holds;
        _text = isNeeded ? new DefaultInterpolatedStringHandler(literals, holes) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public string Text() => _text.ToString();
}

sealed class Oracle
{
    readonly Dictionary<SlotKey, Slot> _slots = [];
    readonly Dictionary<string, Lease> _leases = [];
    readonly Dictionary<string, Work> _tasks = [];
    readonly Dictionary<string, SlotKey> _working = [];

    /// <summary>Pods that will never touch a device (again): dead, or their last word is said.</summary>
    readonly HashSet<string> _stopped = [];

    /// <summary>Pod → slot, for every process that really uses a device now.</summary>
    public IReadOnlyDictionary<string, SlotKey> Working => _working;

    public void Stopped(string pod)
    {
        _stopped.Add(pod);
        _working.Remove(pod);
    }

    public bool IsStopped(string pod) => _stopped.Contains(pod);

    public void Saw(Act act, Plan plan)
    {
        foreach (var (uid, events) in plan.Tasks)
        {
            foreach (var e in events)
                SawTask(uid, e);
        }

        foreach (var (uid, events) in plan.Leases)
        {
            foreach (var e in events)
                SawLease(act, uid, e);
        }

        foreach (var shared in _working.GroupBy(w => w.Value).Where(g => g.Count() > 1))
            Fail($"{string.Join(" and ", shared.Select(w => w.Key))} both work on {shared.Key}");
    }

    /// <summary>The slot table is what its events say.</summary>
    public void Compare(IEnumerable<SlotSnapshot> table)
    {
        foreach (var row in table)
        {
            var s = _slots.GetValueOrDefault(row.Key, new Slot());
            var state = s.Quarantined ? SlotState.Quarantined : s.Holder is null ? SlotState.Free : SlotState.Granted;
            var expected = (s.Token, s.Holder, state);
            Check((row.Token, row.LeaseUid, row.State) == expected, $"the row {row} is not what its events say: {expected}");
        }
    }

    void SawLease(Act act, string uid, ILeaseEvent e)
    {
        if (!_leases.TryGetValue(uid, out var lease))
        {
            Check(e is LeaseRequested, $"{uid} begins with {e}");
            _leases[uid] = lease = new Lease();
        }

        Check(!lease.Ended || e is SlotQuarantined or SlotFreed or StaleHolderRejected, $"{e} after the end of {uid}");
        switch (e)
        {
            case LeaseGranted g:
                var slot = _slots.TryGetValue(g.Slot, out var known) ? known : _slots[g.Slot] = new Slot();
                Check(!slot.Quarantined, $"{g.Slot} was granted to {uid} in quarantine");
                Check(slot.Holder is null, $"{g.Slot} was granted to {uid} while {slot.Holder} held it");
                Check(g.Token > slot.Token, $"token {g.Token} of {g.Slot} follows {slot.Token}");
                Check(lease.Slot is null, $"{uid} was granted twice");
                (slot.Holder, slot.Token, lease.Slot, lease.Token) = (uid, g.Token, g.Slot, g.Token);
                break;
            case LeaseAttached a:
                CheckHolds(uid, act.Token, e);
                Check(lease.Pod is null, $"{a.PodUid} attached to {uid} after {lease.Pod}");
                lease.Pod = a.PodUid;
                if (!_stopped.Contains(a.PodUid))
                    _working[a.PodUid] = lease.Slot!;
                break;
            case LeaseReleased:
                CheckHolds(uid, act.Token, e);
                if (e is LeaseReleased { SlotHeld: not true })
                    _slots[lease.Slot!].Holder = null;
                lease.Ended = true;
                break;
            case LeaseWarned:
                Check(lease is { Pod: not null, Warned: false, Drained: false }, $"{e} of {uid} comes twice, or too late, or to nobody");
                lease.Warned = true;
                break;
            case LeaseStalled or LeaseProgressed:
                Check(lease.Pod is not null && lease.Stalled == e is LeaseProgressed, $"{e} of {uid}, stalled: {lease.Stalled}");
                lease.Stalled = e is LeaseStalled;
                if (e is LeaseProgressed && lease.Detected is ExpiryCause.Stalled)
                    lease.Detected = null;
                break;
            case LeaseDeadlockDetected d:
                Check(lease is { Pod: not null, Detected: null }, $"{e} of {uid} comes twice, or of nobody");
                lease.Detected = d.Cause;
                break;
            case LeaseDrainRequested d:
                Check(lease is { Pod: not null, Drained: false }, $"{e} of {uid} comes twice, or to nobody");
                Check(d.Cause is not DrainCause.SoftTimeout || lease.Warned, $"{e} of {uid} without a warning before");
                lease.Drained = true;
                break;
            case LeaseExpired { Cause: ExpiryCause.HardTimeout or ExpiryCause.Stalled }:
                Check(lease.Drained, $"{e} of {uid}, which was never asked to end");
                lease.Ended = true;
                break;
            case LeaseExpired x:
                Check((x.Cause, lease.Pod) is not (ExpiryCause.StartDeadline, not null) and not (ExpiryCause.HeartbeatLost, null),
                    $"{x.Cause} of {uid}, attached: {lease.Pod}");
                lease.Ended = true;
                break;
            case LeaseRevoked or LeaseGaveUp:
                lease.Ended = true;
                break;
            case SlotQuarantined q:
                Check(_slots[q.Slot].Holder == uid && _slots[q.Slot].Token == q.Token && lease.Ended, $"{e} of {uid}");
                _slots[q.Slot].Quarantined = true;
                break;
            case SlotFreed f:
                Check(_slots[f.Slot].Holder == uid && _slots[f.Slot].Token == f.Token && _slots[f.Slot].Quarantined, $"{e} of {uid}");
                Check(f.Proof is not (FreeProof.NeverAttached or FreeProof.NeverStarted) || lease.Pod is null,
                    $"{f.Proof}, but {lease.Pod} attached to {uid}");
                (_slots[f.Slot].Holder, _slots[f.Slot].Quarantined) = (null, false);
                break;
            case StaleHolderRejected r:
                Check(lease.Rejected.Add((r.PodUid, r.Write)), $"{e} of {uid} is on record twice");
                break;
        }
    }

    void SawTask(string uid, ITaskEvent e)
    {
        var task = _tasks.TryGetValue(uid, out var known) ? known : _tasks[uid] = new Work();
        Check(!task.Ended || e is AttemptFailed or AttemptReturned, $"{e} after the end of {uid}");
        switch (e)
        {
            case TaskAccepted a:
                task.BackoffLimit = a.BackoffLimit;
                break;
            case SceneQueued q:
                Check(q.Attempt == task.Attempts.GetValueOrDefault(q.Scene) + 1,
                    $"{e} follows attempt {task.Attempts.GetValueOrDefault(q.Scene)}");
                Check(task.Failures.GetValueOrDefault(q.Scene) <= task.BackoffLimit,
                    $"{e} after {task.Failures.GetValueOrDefault(q.Scene)} failures of {task.BackoffLimit}");
                task.Attempts[q.Scene] = q.Attempt;
                break;
            case AttemptStarted s:
                Check(s.Attempt == task.Attempts[s.Scene] && task.Started.TryAdd((s.Scene, s.Attempt), s),
                    $"{e} is not the current attempt, or started twice");
                break;
            case AttemptAttached a:
                CheckFence(uid, task, a.Scene, a.Attempt, a.PodUid, null, e);
                break;
            case AttemptFailed f:
                Check(task.Over.Add((f.Scene, f.Attempt)), $"{e} of an attempt that is over");
                task.Failures[f.Scene] = task.Failures.GetValueOrDefault(f.Scene) + (f.Category == AttemptFailed.Suspended ? 0 : 1);
                break;
            case AttemptReturned r:
                Check(task.Over.Add((r.Scene, r.Attempt)), $"{e} of an attempt that is over");
                break;
            case SceneCommitted c:
                CheckFence(uid, task, c.Scene, c.Attempt, c.PodUid, c.Token, e);
                Check(_leases[task.Started[(c.Scene, c.Attempt)].LeaseUid!].Pod == c.PodUid, $"{e}: that pod never attached to its lease");
                Check(task.Over.Add((c.Scene, c.Attempt)) && task.Committed.Add(c.Scene), $"{e}: a second result");
                break;
            case OutputCommitted:
                Check(!task.HasOutput, $"{uid} has a second output");
                task.HasOutput = true;
                break;
            case TaskSucceeded or TaskFailed or TaskCancelled or TaskRejected:
                task.Ended = true;
                break;
        }
    }

    // R2: scene, attempt and pod are the current ones, and the attempt's lease holds its slot at this moment under the slot's current
    // token.
    void CheckFence(string uid, Work task, int scene, int attempt, string pod, long? token, ITaskEvent e)
    {
        Check(task.Attempts.GetValueOrDefault(scene) == attempt && !task.Over.Contains((scene, attempt)),
            $"{e} of {uid}: not the current attempt");
        Check(task.Started.TryGetValue((scene, attempt), out var started) && started.PodUid == pod, $"{e} of {uid}: not the attempt's pod");
        CheckHolds(started!.LeaseUid!, token ?? started.Token, e);
    }

    void CheckHolds(string lease, long? token, object e)
    {
        var books = _leases[lease];
        var slot = books.Slot is { } key ? _slots[key] : new Slot();
        Check(!books.Ended && slot.Holder == lease && slot.Token == token && !slot.Quarantined,
            $"{e} was accepted under token {token}; {lease} held {books.Slot} under {books.Token}, ended: {books.Ended}");
    }

    static void Check(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref Complaint otherwise)
    {
        if (!holds)
            Fail(otherwise.Text());
    }

    static void Fail(string message) => throw new BrokenInvariant(message);

    sealed class Slot
    {
        public string? Holder;
        public long Token;
        public bool Quarantined;
    }

    sealed class Lease
    {
        public readonly HashSet<(string, string)> Rejected = [];
        public SlotKey? Slot;
        public long Token;
        public string? Pod;
        public bool Warned;
        public bool Stalled;
        public ExpiryCause? Detected;
        public bool Drained;
        public bool Ended;
    }

    sealed class Work
    {
        public readonly Dictionary<int, int> Attempts = [];
        public readonly Dictionary<int, int> Failures = [];
        public readonly Dictionary<(int, int), AttemptStarted> Started = [];
        public readonly HashSet<(int, int)> Over = [];
        public readonly HashSet<int> Committed = [];
        public int BackoffLimit;
        public bool HasOutput;
        public bool Ended;
    }
}
