// Chooses what happens next, by chance: mostly the natural next step of some task or lease, often a wrong, late or hostile one.
using System.Collections.Immutable;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.Domain.Tasks;
using static Framelease.Domain.Tests.Histories.Plans;

namespace Framelease.Domain.Tests.Histories;

sealed class Walk(Random random, World world, Oracle oracle)
{
    static readonly ImmutableDictionary<string, string> Parameters = ImmutableDictionary<string, string>.Empty.Add("codec", "h264");
    static readonly LeaseTerms Terms = new(
        0, 600, 60, 300, new GradeTerms(WarningSeconds: 5, SoftSeconds: 10, HardSeconds: 15, ProgressTimeoutSeconds: 120,
            DrainGraceSeconds: 3),
        new LockDelayTerms(StopAfterSeconds: 5, LockDelaySeconds: 10));

    static readonly ExpiryCause[] Causes = [ExpiryCause.HeartbeatLost, ExpiryCause.StartDeadline, ExpiryCause.PodEnded,
        ExpiryCause.HardTimeout];

    static readonly FreeProof[] Proofs =
    [
        FreeProof.ContainersTerminated, FreeProof.NeverStarted, FreeProof.NeverAttached, FreeProof.NodeRebooted, FreeProof.Person,
            FreeProof.LockDelay,
    ];

    /// <summary>Pods that ever sent a request: of those no kubelet can say that they never started.</summary>
    readonly HashSet<string> _spoke = [];

    public Act Next() => random.Next(100) switch
    {
        < 50 => ForTask("task-" + random.Next(3)),
        < 65 => ForLease("bare-" + random.Next(3)),
        < 75 => DispatchOrMakeRoom(),
        < 78 => RogueGrant(),
        < 82 => Grade(),
        < 85 => Free(AnyLease()),
        < 87 => OnAnyLease("revoke", new LeaseCommand.Revoke("anna", "why not")),
        < 89 => OnAnyLease("give up", new LeaseCommand.GiveUp("MaxWaitExceeded")),
        < 91 => RejectStaleHolder(),
        < 93 => OnAnyLease("drain", new LeaseCommand.Drain(DrainCause.DeviceDrained, "maintenance")),
        < 98 => BadEndOfAttempt(),
        98 => Stop("task-" + random.Next(3), new TaskCommand.Suspend("anna"), AttemptFailed.Suspended),
        _ => Stop("task-" + random.Next(3), new TaskCommand.Cancel("anna"), "Cancelled"),
    };

    Act ForTask(string uid)
    {
        var task = world.Now.Task(uid).State;
        if (task.Phase is TaskPhase.None || Chance(2))
            return Chance(3) ? OnTheTask("reject", uid, new TaskCommand.Reject("UnknownEngine", "no such engine")) : Accept(uid);
        if (task.SuspendedAt is not null && Chance(50))
            return OnTheTask("resume", uid, new TaskCommand.Resume("anna"));
        var none = new SceneState(0, 1, SceneStep.Queued);
        var scene = task.Scenes.IsEmpty ? none : task.Scenes.Values.ElementAt(random.Next(task.Scenes.Count));
        var fence = FenceOf(uid, scene.Scene, Chance(15) ? random.Next(0, scene.Attempt + 2) : scene.Attempt);
        var lease = world.Now.Lease(fence.Lease!).State;
        return (Chance(10) ? (SceneStep)random.Next(5) : scene.Step, lease.Phase) switch
        {
            (SceneStep.Queued, LeasePhase.None) => RequestLease(fence.Lease!, uid, fence.Scene, fence.Attempt),
            (SceneStep.Queued, LeasePhase.Pending) => DispatchOrMakeRoom(),
            (SceneStep.Queued, LeasePhase.Granted) => Start(fence),
            (SceneStep.Queued, _) => OnTheTask("return", uid, new TaskCommand.Return(fence.Scene, fence.Attempt, null, "no lease", 1)),
            (SceneStep.Started, _) when Chance(80) => Say("attach", fence, f => s => Attach(s, f)),
            (SceneStep.Started, _) => OnTheTask("return", uid, new TaskCommand.Return(fence.Scene, fence.Attempt, fence.Pod, "image", 1)),
            _ => LastWord(fence),
        };
    }

    static Act OnTheTask(string verb, string uid, TaskCommand command) => new($"{verb} {uid}: {command}", s => OnTask(s, uid, command));

    Act Accept(string uid)
    {
        var spec = new TaskAccepted(
            uid, "default", uid, "tenant", "engine", "pool", "hash-" + (Chance(95) ? 1 : 2), new TaskInput("in", null), Parameters,
            Scenes: Chance(80) ? 1 : 2, BackoffLimit: random.Next(0, 4), NeedsLease: true);
        return OnTheTask("accept", uid, new TaskCommand.Accept(spec));
    }

    Act RequestLease(string lease, string? task, int scene, int attempt)
    {
        var terms = Chance(97) ? Terms with { DetectOnly = Chance(90) ? null : true } : Terms with { HeartbeatTimeoutSeconds = 61 };
        var wish = new LeaseRequested(lease, "default", lease, "pool", "holder", task, scene, attempt, terms);
        return new($"request {lease}", s => OnLease(s, lease, new LeaseCommand.Request(wish)));
    }

    // The queue is read now, the slots by chance a while ago: two dispatchers that do not know of each other.
    Act Dispatch()
    {
        var slots = world.Now.Slots;
        var late = Chance(30);
        return new($"dispatch{(late ? " what is free by an older look" : "")}", s =>
        {
            WaitingLease[] waiting =
            [
                .. s.Leases.Where(l => l.Value.State.Phase is LeasePhase.Pending)
                    .Select(l => new WaitingLease(l.Key, l.Value.State.RequestedAt!.Value)).OrderBy(w => w.QueueAt),
            ];
            var devices = PoolView.DevicesOf((late ? slots : s.Slots).Values, ImmutableDictionary<string, DeviceNeed>.Empty);
            var round = DispatchRound.Decide(new PoolView(
                [new QueueGroup("tenant", DeviceNeed.None, waiting)], devices, ImmutableDictionary<string, TenantShare>.Empty, 100));
            return round.Grants.Aggregate(Plan.Nothing, (plan, g) =>
                plan.With(g.LeaseUid, OnLease(s, g.LeaseUid, new LeaseCommand.Grant(g.Slot)).Leases.GetValueOrDefault(g.LeaseUid, [])));
        });
    }

    Act DispatchOrMakeRoom()
    {
        if (world.Now.Slots.Values.Any(s => s.State is SlotState.Free) || Chance(20))
            return Dispatch();
        var slot = world.Now.Slots.Values.ElementAt(random.Next(world.Now.Slots.Count));
        return slot.State is SlotState.Quarantined ? Free(slot.LeaseUid!)
            : world.Now.Lease(slot.LeaseUid!).State.Request!.TaskUid is { } task ? ForTask(task) : ForLease(slot.LeaseUid!);
    }

    Act OnAnyLease(string verb, LeaseCommand command)
    {
        var lease = AnyLease();
        return new($"{verb} {lease}", s => OnLease(s, lease, command));
    }

    Act RogueGrant()
    {
        var (lease, slot) = (AnyLease(), world.Now.Slots.Values.ElementAt(random.Next(world.Now.Slots.Count)));
        slot = Chance(10) ? slot with { Pool = "another" } : slot;
        return new(
            $"grant {slot.Key} of {slot.Pool}, seen {slot.State} under {slot.Token}, to {lease}",
            s => OnLease(s, lease, new LeaseCommand.Grant(slot)));
    }

    Act Start(Fence f)
    {
        var pod = f.Lease + (Chance(85) ? "-a" : "-b");
        return new($"start {f} in {pod}", s => OnTask(s, f.Task, new TaskCommand.Start(
            new AttemptStarted(f.Scene, f.Attempt, pod, pod, Chance(97) ? f.Lease : null, f.Token, "node", "gpu"))));
    }

    Act LastWord(Fence fence)
    {
        var (fails, retryable, digest) = (Chance(40), Chance(90), Chance(90) ? "aaaa" : "bbbb");
        var result = new SceneResult("key", "uri", digest, 1, "mp4", "h264", 1, 1, 1, null, "x264", "cpu", 1, 1, 1);
        return fails
            ? Say("fail", fence, f => s => Fail(s, f, retryable), isFinal: true)
            : Say($"complete {digest}", fence, f => s => Complete(s, f, result), isFinal: true);
    }

    // One request of one pod. Every pod speaks for itself only (its token says who it is), but under any fence; after its last
    // word it only repeats it.
    Act Say(string verb, Fence truth, Func<Fence, Func<Snapshot, Plan>> decide, bool isFinal = false)
    {
        var f = Chance(75) ? truth : truth with
        {
            Token = truth.Token + random.Next(-2, 3),
            Pod = truth.Lease + (Chance(50) ? "-a" : "-b"),
            Attempt = truth.Attempt - random.Next(2),
        };
        if (oracle.IsStopped(f.Pod!))
            return isFinal && Chance(40) ? new($"{verb} once more {f}", decide(f), f.Token) : PodEnds(f);
        _spoke.Add(f.Pod!);
        if (isFinal)
            oracle.Stopped(f.Pod!);
        return new($"{verb} {f}", decide(f), f.Token, isFinal);
    }

    Act ForLease(string lease)
    {
        var state = world.Now.Lease(lease).State;
        var fence = new Fence("", 0, 0, state.Attachment?.PodUid ?? lease + (Chance(80) ? "-a" : "-b"), lease, state.Grant?.Token ?? 0);
        return state.Phase switch
        {
            LeasePhase.None => RequestLease(lease, null, 0, 0),
            LeasePhase.Pending => DispatchOrMakeRoom(),
            _ when state.Attachment is null || Chance(30) =>
                Say("attach", fence, f => s => OnLease(s, lease, new LeaseCommand.Attach(f.Pod!, "node", f.Token))),
            _ when Chance(60) =>
                Say("release", fence, f => s => OnLease(s, lease, new LeaseCommand.Release(f.Token, "Done", f.Pod)), isFinal: true),
            _ => Expires(lease),
        };
    }

    Act Expires(string lease)
    {
        var cause = Causes[random.Next(Causes.Length)];
        return new($"expire {lease}: {cause}", s => OnLease(s, lease, new LeaseCommand.Expire(cause, "late")));
    }

    Act BadEndOfAttempt()
    {
        var started = (
            from task in world.Now.Tasks
            from scene in task.Value.State.Scenes.Values
            where scene.Started is not null
            select FenceOf(task.Key, scene.Scene, scene.Attempt)).ToList();
        if (started.Count == 0)
            return Expires(AnyLease());
        var fence = started[random.Next(started.Count)];
        var cause = (ExpiryCause)random.Next(2);
        return Chance(50) ? PodEnds(fence) : new($"expire {fence}: {cause}", s => Expire(s, fence, cause));
    }

    Act PodEnds(Fence f)
    {
        oracle.Stopped(f.Pod!);
        var everStarted = _spoke.Contains(f.Pod!) || Chance(50);
        if (f.Task.Length > 0)
            return new($"pod of {f} ends, ever started: {everStarted}", s => PodEnded(s, f, everStarted));
        return Free(f.Lease!);
    }

    // Proofs are true when they are given; the two that speak of the log alone may be claimed by anybody at any time, and the decider has
    // to see.
    Act Free(string lease)
    {
        var proof = Proofs[random.Next(Proofs.Length)];
        if (proof is not (FreeProof.NeverStarted or FreeProof.NeverAttached))
        {
            foreach (var pod in new[] { lease + "-a", lease + "-b" })
                oracle.Stopped(pod);
            var node = world.Now.Lease(lease).State.Grant?.Slot.Node;
            if (proof is FreeProof.NodeRebooted)
                oracle.Working.Where(w => w.Value.Node == node).Select(w => w.Key).ToList().ForEach(oracle.Stopped);
        }

        var evidence = Chance(95) ? "seen" : " ";
        var now = world.Time.AddSeconds(random.Next(20));
        return new($"free {lease}: {proof}", s => OnLease(s, lease, new LeaseCommand.Free(proof, evidence, null, now)));
    }

    // Leaders look when they can; what was watched beside the log, a stall and the arrival of the drain command, is a matter of chance
    // here.
    Act Grade()
    {
        var stalled = world.Now.Leases.FirstOrDefault(l => l.Value.State is { IsGranted: true, StalledAt: not null }).Key;
        var lease = stalled is not null && Chance(60) ? stalled : AnyLease();
        var state = world.Now.Lease(lease).State;
        var now = world.Time.AddSeconds(random.Next(20));
        LeaseCommand command = random.Next(10) switch
        {
            < 5 when state.StalledAt is not null => new LeaseCommand.Progress(),
            < 3 => new LeaseCommand.Stall(random.Next(100, 200)),
            _ => new LeaseCommand.Grade(now, state.Drain is not null && Chance(70) ? now.AddSeconds(-random.Next(5)) : null, Chance(30)),
        };
        var scene = state.Request?.TaskUid is { } uid ? world.Now.Task(uid).State.Scenes.GetValueOrDefault(state.Request.Scene) : null;
        if (scene?.Started is { } started && command is not LeaseCommand.Grade)
            return StallOfAttempt(lease, state.Request!.TaskUid!, started, command);
        return new($"{command} of {lease}", s => OnLease(s, lease, command));
    }

    static Act StallOfAttempt(string lease, string task, AttemptStarted started, LeaseCommand command)
    {
        TaskCommand also = command is LeaseCommand.Stall stall
            ? new TaskCommand.Stall(started.Scene, started.Attempt, started.PodUid, stall.Seconds)
            : new TaskCommand.Progress(started.Scene, started.Attempt, started.PodUid);
        return new($"{command} of {lease} and its attempt", s => Both(s, task, also, lease, command));
    }

    Act RejectStaleHolder()
    {
        var (lease, pod, write) = (AnyLease(), "pod-" + random.Next(2), Chance(50) ? "beat" : "complete");
        return new($"record that {pod} was refused on {lease}", s => OnLease(s, lease, new LeaseCommand.RejectStaleHolder(pod, 0, write)));
    }

    Act Stop(string uid, TaskCommand command, string category)
    {
        var running = world.Now.Task(uid).State.Scenes.Values.FirstOrDefault(s => s.IsRunning);
        var fence = running is null ? null : FenceOf(uid, running.Scene, running.Attempt);
        return new($"{command} of {uid}", s => Plans.Stop(s, uid, fence, command, category));
    }

    Fence FenceOf(string task, int scene, int attempt)
    {
        var lease = $"{task}-{scene}-{attempt}";
        var started = world.Now.Task(task).State.Scenes.GetValueOrDefault(scene)?.Started;
        var pod = started?.Attempt == attempt ? started.PodUid : lease + "-a";
        return new Fence(task, scene, attempt, pod, lease, world.Now.Lease(lease).State.Grant?.Token ?? 0);
    }

    string AnyLease() => world.Now.Leases.IsEmpty || Chance(2)
        ? "nobody"
        : world.Now.Leases.ElementAt(random.Next(world.Now.Leases.Count)).Key;

    bool Chance(int percent) => random.Next(100) < percent;
}
