using Framelease.Domain;
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Attempts;

/// <summary>
/// What one happening means to both streams of an attempt, its task's and its lease's: a pure function of the two states. Either both change in one
/// transaction or, when one of the deciders refuses, neither.
/// </summary>
sealed record AttemptPlan(IReadOnlyList<ITaskEvent> Task, IReadOnlyList<ILeaseEvent> Lease, AttemptRefusal? Refusal = null)
{
    /// <summary>What the attempt's own look at its device changes, in the same transaction.</summary>
    public IReadOnlyList<IDeviceEvent> Device { get; init; } = [];

    public bool ChangesNothing => Task.Count == 0 && Lease.Count == 0;

    /// <summary>The worker made itself known.</summary>
    public static AttemptPlan Attach(TaskState task, LeaseState? lease, AttemptFence fence, string node, string workerVersion,
        string? bootId = null, string? deviceUuid = null) => Combine(
        TaskDecider.Decide(task, new TaskCommand.Attach(fence.Scene, fence.Attempt, fence.PodUid, workerVersion)),
        lease, new LeaseCommand.Attach(fence.PodUid, node, fence.Token, bootId, DeviceUuid: deviceUuid));

    /// <summary>
    /// The kubelet gave the worker a device that another lease works on, in a pool whose devices are not shared: it is let nowhere near it.
    /// The attempt has cost nothing; the slot waits for the pod's end.
    /// </summary>
    public static AttemptPlan DeviceConflict(
        TaskState task, LeaseState? lease, AttemptFence fence, string message, int retryDelaySeconds) =>
        lease is not { IsGranted: true, Attachment: null } || lease.Grant!.Token != fence.Token
            ? new AttemptPlan([], [], new AttemptRefusal("StaleHolder", "the lease is another's by now, or somebody attached to it"))
            : Combine(
                TaskDecider.Decide(task, new TaskCommand.Return(fence.Scene, fence.Attempt, fence.PodUid, message, retryDelaySeconds)),
                lease, new LeaseCommand.Revoke("operator", message));

    /// <summary>The worker's bytes are verified in the store.</summary>
    public static AttemptPlan Complete(TaskState task, LeaseState? lease, AttemptFence fence, SceneResult result) => CombineAfterTask(
        TaskDecider.Decide(task, new TaskCommand.Complete(fence.Scene, fence.Attempt, fence.PodUid, fence.Token, result)),
        lease, new LeaseCommand.Release(fence.Token, "Completed", fence.PodUid));

    /// <summary>The worker reports its own failure and lets go of the device.</summary>
    public static AttemptPlan Fail(TaskState task, LeaseState? lease, AttemptFence fence, AttemptFailed failure, int retryDelaySeconds) => CombineAfterTask(
        TaskDecider.Decide(task, new TaskCommand.Fail(failure, retryDelaySeconds)),
        lease, new LeaseCommand.Release(fence.Token, failure.Reason, fence.PodUid));

    /// <summary>The worker found its device dirty, has touched nothing and lets go of it: not counted, and tried elsewhere.</summary>
    public static AttemptPlan DeviceDirty(TaskState task, LeaseState? lease, AttemptFence fence, string message, int retryDelaySeconds) =>
        CombineAfterTask(
            TaskDecider.Decide(task, new TaskCommand.Return(
                fence.Scene, fence.Attempt, fence.PodUid, message, retryDelaySeconds, TouchedNothing: true)),
            lease, new LeaseCommand.Release(fence.Token, "DeviceDirty", fence.PodUid));

    /// <summary>What a worker's look at its device means to the device's health.</summary>
    /// <param name="look">Null when it did not look, or could not.</param>
    public static DeviceCommand.Probed? Probed(LeaseState? lease, DeviceLook? look) =>
        look is not null && lease is { Grant: { DeviceKind: "Gpu", Terms.Probe: { } terms }, GrantedAt: { } granted }
            ? new DeviceCommand.Probed(
                lease.Request!.LeaseUid, granted, look.Dirty, look.IsLast, new RecoveryTerms(terms.ProbationSeconds, terms.AutoRecovery))
            : null;

    /// <summary>
    /// The pod is terminal. Without a word of the worker before, the lease ends badly. What frees the slot is the kubelet's word for every container
    /// (R4 a), or that none ever started. A pod that attached and of which no container is reported any more proves neither: its attempt fails, and
    /// the slot stays in quarantine until another proof comes.
    /// </summary>
    public static AttemptPlan PodEnded(TaskState task, LeaseState? lease, AttemptFence fence, PodEnd end, int retryDelaySeconds)
    {
        Decision<ITaskEvent> taskDecision;
        if (task.Current(fence.Scene, fence.Attempt, fence.PodUid) is null)
            taskDecision = Decision<ITaskEvent>.Nothing;
        else if (end.EverStarted || Attached(task, lease, fence))
            taskDecision = TaskDecider.Decide(task, new TaskCommand.Fail(end.ToFailure(fence), retryDelaySeconds));
        else
            taskDecision = TaskDecider.Decide(task, new TaskCommand.Return(fence.Scene, fence.Attempt, fence.PodUid, end.Message, retryDelaySeconds));
        var proof = end.Proof ?? (end.EverStarted ? FreeProof.ContainersTerminated : FreeProof.NeverStarted);
        return Combine(
            taskDecision, lease,
            lease is { IsGranted: true } ? new LeaseCommand.Expire(ExpiryCause.PodEnded, end.Message, fence.PodUid) : null,
            end.EverStarted || !Attached(task, lease, fence) ? new LeaseCommand.Free(proof, end.Evidence, fence.PodUid) : null);
    }

    // While its pod may exist, a device that the kubelet hands out is not proven free by a missing attach: the pod's end will prove it.
    public static LeaseCommand.Free? Unattached(LeaseState? lease) => lease is { FollowsPod: true } ? null : LeaseSteps.UnattachedProof(lease);

    static bool Attached(TaskState task, LeaseState? lease, AttemptFence fence) =>
        lease?.Attachment?.PodUid == fence.PodUid || task.Current(fence.Scene, fence.Attempt, fence.PodUid)?.Step is SceneStep.Attached;

    /// <summary>Both witnesses saw no beat for a full timeout, or nobody attached in time.</summary>
    public static AttemptPlan Expire(TaskState task, LeaseState? lease, AttemptFence fence, ExpiryCause cause, string message, int retryDelaySeconds)
    {
        if (task.Current(fence.Scene, fence.Attempt, fence.PodUid) is null)
            return new AttemptPlan([], []);
        // In a pool that detects only, silence is told, and the attempt goes on.
        if (lease is { IsDetectedOnly: true, IsGranted: true } && cause is ExpiryCause.HeartbeatLost)
            return Combine(Decision<ITaskEvent>.Nothing, lease, new LeaseCommand.Expire(cause, message, fence.PodUid));
        var taskDecision = Lost(task, fence, cause.ToString(), message, retryDelaySeconds);
        return Combine(taskDecision, lease, new LeaseCommand.Expire(cause, message, fence.PodUid), Unattached(lease));
    }

    /// <summary>The lease's next grade, if it is due; force ends the attempt with it.</summary>
    public static AttemptPlan Grade(TaskState task, LeaseState lease, AttemptFence fence, LeaseCommand.Grade grade, int retryDelaySeconds)
    {
        if (LeaseSteps.TryDecide(lease, [grade], out var events) is { } refusal)
            return new AttemptPlan([], [], refusal);
        var after = LeaseSteps.After(lease, events);
        return after.IsEnded && task.Current(fence.Scene, fence.Attempt, fence.PodUid) is not null
            ? Combine(Lost(task, fence, after.EndReason!, after.EndMessage!, retryDelaySeconds), lease, grade)
            : new AttemptPlan([], events);
    }

    /// <summary>Beats come, and nothing moved for <paramref name="seconds"/>; or, with null, something moved again.</summary>
    public static AttemptPlan Stall(TaskState task, LeaseState lease, AttemptFence fence, int? seconds) => seconds is { } s
        ? Combine(TaskDecider.Decide(task, new TaskCommand.Stall(fence.Scene, fence.Attempt, fence.PodUid, s)), lease,
            new LeaseCommand.Stall(s))
        : Combine(TaskDecider.Decide(task, new TaskCommand.Progress(fence.Scene, fence.Attempt, fence.PodUid)), lease,
            new LeaseCommand.Progress());

    /// <summary>Somebody took the lease away: the attempt is over, and the next one may ask for another.</summary>
    public static AttemptPlan Revoke(TaskState task, LeaseState? lease, AttemptFence fence, string by, string message,
        int retryDelaySeconds)
    {
        var taskDecision = task.Current(fence.Scene, fence.Attempt, fence.PodUid) is null
            ? Decision<ITaskEvent>.Nothing
            : Lost(task, fence, "Revoked", $"the lease was revoked by {by}: {message}", retryDelaySeconds);
        return Combine(taskDecision, lease, new LeaseCommand.Revoke(by, message), Unattached(lease));
    }

    /// <summary>
    /// The database is another one than the lease was granted on (R12). The attempt is over with it: whether its worker was let in may be in the
    /// part of the history that was lost, so nothing is proven, and its pod is ended.
    /// </summary>
    public static AttemptPlan AuthorityChanged(TaskState task, LeaseState? lease, AttemptFence fence, string message, int retryDelaySeconds)
    {
        var taskDecision = task.Current(fence.Scene, fence.Attempt, fence.PodUid) is null
            ? Decision<ITaskEvent>.Nothing
            : Lost(task, fence, "AuthorityChanged", message, retryDelaySeconds);
        return Combine(taskDecision, lease, new LeaseCommand.ChangeAuthority(message));
    }

    /// <summary>
    /// The node is lost to its workers: gone, booted anew, or vouched to be switched off. The attempt is over; with a proof its slot is
    /// free, and so it is when nobody attached: a worker touches neither device nor output before that (R2), and cannot attach any more.
    /// </summary>
    /// <param name="proof">Null when nothing proves that the worker's processes have ended.</param>
    public static AttemptPlan NodeLost(TaskState task, LeaseState? lease, AttemptFence fence, string message, FreeProof? proof,
        int retryDelaySeconds)
    {
        var taskDecision = task.Current(fence.Scene, fence.Attempt, fence.PodUid) is null
            ? Decision<ITaskEvent>.Nothing
            : Lost(task, fence, "NodeLost", message, retryDelaySeconds);
        return Combine(
            taskDecision, lease, new LeaseCommand.Revoke("node", message),
            proof is { } p ? new LeaseCommand.Free(p, message) : Unattached(lease));
    }

    // An attempt that attached may have worked: it fails. One that did not has cost nothing, and returns.
    static Decision<ITaskEvent> Lost(TaskState task, AttemptFence fence, string reason, string message, int retryDelaySeconds) =>
        task.Scenes[fence.Scene].Step is SceneStep.Attached
            ? TaskDecider.Decide(task, new TaskCommand.Fail(
                new AttemptFailed(fence.Scene, fence.Attempt, fence.PodUid, "HolderLost", reason, message, true, null), retryDelaySeconds))
            : TaskDecider.Decide(task, new TaskCommand.Return(fence.Scene, fence.Attempt, fence.PodUid, message, retryDelaySeconds));

    // When the task's decider answers "stored already", the lease has followed in that same transaction: it is not asked again, for its slot may be
    // another's by now.
    // And a task that does change needs a lease that does: one that was let go of before holds no slot under which this could have happened.
    static AttemptPlan CombineAfterTask(Decision<ITaskEvent> task, LeaseState? lease, LeaseCommand command)
    {
        if (task is Decision<ITaskEvent>.Events { Items.Count: 0 })
            return new AttemptPlan([], []);
        var plan = Combine(task, lease, command);
        return plan is { Refusal: null, Lease.Count: 0 } && lease is not null
            ? new AttemptPlan([], [], new AttemptRefusal("StaleHolder", $"the lease is {lease.Phase} already"))
            : plan;
    }

    static AttemptPlan Combine(Decision<ITaskEvent> task, LeaseState? lease, params LeaseCommand?[] commands)
    {
        if (task is Decision<ITaskEvent>.Refused r)
            return new AttemptPlan([], [], new AttemptRefusal(r.Reason, r.Message));
        IReadOnlyList<ILeaseEvent> leaseEvents = [];
        if (lease is not null && LeaseSteps.TryDecide(lease, commands, out leaseEvents) is { } refusal)
            return new AttemptPlan([], [], refusal);
        return new AttemptPlan(((Decision<ITaskEvent>.Events)task).Items, leaseEvents);
    }
}

/// <summary>The fence of R2 as it is presented.</summary>
sealed record AttemptFence(string TaskUid, int Scene, int Attempt, string PodUid, string? LeaseUid, long Token)
{
    public static AttemptFence Of(AttemptRow a) => new(a.TaskUid, a.Scene, a.Attempt, a.PodUid, a.LeaseUid, a.Token);
}

/// <summary>How a worker found its device.</summary>
/// <param name="Dirty">Null = clean.</param>
/// <param name="IsLast">Nothing of its work came after the look.</param>
sealed record DeviceLook(string? Dirty, bool IsLast);

sealed record AttemptRefusal(string Reason, string Message);

/// <summary>How a worker pod ended, as its kubelet reports it.</summary>
/// <param name="EverStarted">False when no container of the pod ever ran.</param>
sealed record PodEnd(bool EverStarted, int? ExitCode, bool OutOfMemory, string Message, string Evidence)
{
    /// <summary>What it proves; null: what the kubelet's word proves.</summary>
    public FreeProof? Proof { get; init; }

    public AttemptFailed ToFailure(AttemptFence fence) => new(
        fence.Scene, fence.Attempt, fence.PodUid, OutOfMemory ? "OutOfMemory" : "HolderLost", OutOfMemory ? "OutOfMemory" : "WorkerDied", Message, true, null);
}
