// What one happening means to a task and to its lease together: both streams in one transaction, as the operator composes them.
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;

namespace Framelease.Domain.Tests.Histories;

static class Plans
{
    public sealed record Fence(string Task, int Scene, int Attempt, string? Pod, string? Lease, long Token)
    {
        public override string ToString() => $"{Task}#{Scene}.{Attempt} ({Pod ?? "no pod"} under {Lease}, token {Token})";
    }


    public static Plan OnTask(Snapshot s, string task, TaskCommand command) =>
        Combine(s, task, TaskDecider.Decide(s.Task(task).State, command), null);

    public static Plan OnLease(Snapshot s, string lease, params LeaseCommand[] commands) =>
        Combine(s, null, Decision<ITaskEvent>.Nothing, lease, commands);

    public static Plan Both(Snapshot s, string task, TaskCommand command, string lease, LeaseCommand also) =>
        Combine(s, task, TaskDecider.Decide(s.Task(task).State, command), lease, also);

    public static Plan Attach(Snapshot s, Fence f) => Combine(
        s, f.Task, TaskDecider.Decide(s.Task(f.Task).State, new TaskCommand.Attach(f.Scene, f.Attempt, f.Pod!, "1.0.0")),
        f.Lease, new LeaseCommand.Attach(f.Pod!, "node", f.Token));

    public static Plan Complete(Snapshot s, Fence f, SceneResult result) =>
        LastWord(s, f, new TaskCommand.Complete(f.Scene, f.Attempt, f.Pod!, f.Token, result), "Completed");

    public static Plan Fail(Snapshot s, Fence f, bool retryable) =>
        LastWord(s, f, new TaskCommand.Fail(Failure(f, "EngineFailed", retryable), 1), "EngineFailed");

    public static Plan PodEnded(Snapshot s, Fence f, bool everStarted)
    {
        var task = s.Task(f.Task).State;
        var decision = task.Current(f.Scene, f.Attempt, f.Pod!) is null ? Decision<ITaskEvent>.Nothing
            : TaskDecider.Decide(task, everStarted
                ? new TaskCommand.Fail(Failure(f, "WorkerDied", true), 1)
                : new TaskCommand.Return(f.Scene, f.Attempt, f.Pod, "never started", 1));
        var proof = everStarted ? FreeProof.ContainersTerminated : FreeProof.NeverStarted;
        var free = new LeaseCommand.Free(proof, "the kubelet says so", f.Pod);
        return s.Lease(f.Lease!).State.IsGranted
            ? Combine(s, f.Task, decision, f.Lease, new LeaseCommand.Expire(ExpiryCause.PodEnded, "exit 137", f.Pod), free)
            : Combine(s, f.Task, decision, f.Lease, free);
    }

    public static Plan Expire(Snapshot s, Fence f, ExpiryCause cause)
    {
        var task = s.Task(f.Task).State;
        if (task.Current(f.Scene, f.Attempt, f.Pod!) is not { } scene)
            return Plan.Nothing;
        if (cause is ExpiryCause.HeartbeatLost && s.Lease(f.Lease!).State.IsDetectedOnly)
            return OnLease(s, f.Lease!, new LeaseCommand.Expire(cause, "late", f.Pod));
        var decision = TaskDecider.Decide(task, scene.Step is SceneStep.Attached
            ? new TaskCommand.Fail(Failure(f, "HolderLost", true), 1)
            : new TaskCommand.Return(f.Scene, f.Attempt, f.Pod, "nobody attached", 1));
        return Combine(s, f.Task, decision, f.Lease, new LeaseCommand.Expire(cause, "late", f.Pod));
    }

    /// <param name="command">Ends or suspends the task.</param>
    public static Plan Stop(Snapshot s, string uid, Fence? running, TaskCommand command, string category)
    {
        var task = s.Task(uid).State;
        if (running is null || TaskDecider.Decide(task, command) is not Decision<ITaskEvent>.Events { Items: [var stopped] })
            return OnTask(s, uid, command);
        var closing = TaskDecider.Decide(
            task.Evolve(stopped, default), new TaskCommand.Fail(Failure(running, category, false) with { Category = category }, 0));
        var both = closing is Decision<ITaskEvent>.Events closed ? Decision<ITaskEvent>.Of([stopped, .. closed.Items]) : closing;
        return Combine(s, uid, both, running.Lease, new LeaseCommand.Revoke("anna", "stopped"));
    }

    // The holder's last word changes task and lease together. When the task stored it already, the lease followed then; when the lease
    // has nothing left to give back, the sender is not its holder, and the task must not change either (R2).
    static Plan LastWord(Snapshot s, Fence f, TaskCommand command, string reason)
    {
        var plan = OnTask(s, f.Task, command);
        if (plan.Refusal is not null || plan.ChangesNothing)
            return plan;
        var release = new LeaseCommand.Release(f.Token, reason, f.Pod);
        var both = Combine(s, f.Task, Decision<ITaskEvent>.Of([.. plan.Tasks[f.Task]]), f.Lease, release);
        return both.Refusal is null && both.Leases.IsEmpty ? Plan.Refused("StaleHolder") : both;
    }

    static AttemptFailed Failure(Fence f, string reason, bool retryable) =>
        new(f.Scene, f.Attempt, f.Pod, "Engine", reason, "it failed", retryable, null);

    static Plan Combine(Snapshot s, string? task, Decision<ITaskEvent> decision, string? lease, params LeaseCommand[] commands)
    {
        if (decision is Decision<ITaskEvent>.Refused no)
            return Plan.Refused(no.Reason);
        var events = new List<ILeaseEvent>();
        var state = s.Lease(lease ?? "").State;
        foreach (var command in commands)
        {
            if (LeaseDecider.Decide(state, command) is not Decision<ILeaseEvent>.Events yes)
                return Plan.Refused(((Decision<ILeaseEvent>.Refused)LeaseDecider.Decide(state, command)).Reason);
            events.AddRange(yes.Items);
            state = yes.Items.Aggregate(state, (st, e) => st.Evolve(e, default));
        }

        return Plan.Nothing.With(task ?? "", ((Decision<ITaskEvent>.Events)decision).Items).With(lease ?? "", events);
    }
}
