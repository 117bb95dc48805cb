using Framelease.Domain;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// Brings one VideoTask a step further, whatever happened before: looks at the object, its events, its lease and its pod, and does what is missing. It may die
/// between any two lines; the next pass finds what was made (deterministic names) and what was recorded (R9).
/// </summary>
sealed class VideoTaskReconciler(
    ILedger ledger, PlatformStores stores, AttemptService attempts, SceneRunner scenes, TaskLifetime lifetime, LostEnds lostEnds, AttemptSignals signals,
    TaskStatusWriter statuses, TaskDependencies dependencies, PlatformFinalizers finalizers, OperatorOptions options, Leader leader) : IReconciler
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Later = TimeSpan.FromMinutes(1);
    static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Tasks.Find(key) is not { } task)
            return ReconcileResult.Done;
        var loaded = await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel);
        if (task.Metadata.DeletionTimestamp is not null)
            return await finalizers.Tasks.RunAsync(task, stop => EndAsync(task, loaded, stop), cancel);
        if (!loaded.State.IsEnded)
            task = await finalizers.Tasks.AddAsync(task, cancel);

        Obstacle? obstacle = null;
        if (loaded.State.Phase is TaskPhase.None)
        {
            (loaded, obstacle) = await AcceptAsync(task, loaded, cancel);
        }

        var lost = LostHistory.Of(task.Status, loaded.State);
        if (LostHistory.EndOf(task.Status, loaded.State))
            loaded = await lostEnds.EndAsync(task, loaded, leader.Epoch, cancel);

        if (await lifetime.FollowAsync(task, loaded, leader.Epoch, cancel))
            loaded = await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel);

        var step = SceneStepResult.Nothing;
        if (!loaded.State.IsEnded && loaded.State.Accepted is not null)
        {
            try
            {
                step = await scenes.AdvanceAsync(task, loaded, leader.Epoch, cancel);
            }
            catch (LedgerConflictException) when (loaded.State.Scenes.Count > 1)
            {
                // The worker of one scene often writes while another's is looked at: no failure, and nothing to show of half a look.
                return ReconcileResult.After(AtOnce);
            }

            if (step.Changed)
                loaded = await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel);
        }
        else if (loaded.State.IsEnded)
        {
            step = await scenes.CleanUpAsync(loaded, cancel);
        }

        await statuses.WriteAsync(task, loaded, obstacle, step.Wait, step.Leases, cancel, lost);
        // The end of the task that is waited for wakes this one.
        TimeSpan?[] again = [obstacle is null ? null : TaskInputs.WaitReasons.Contains(obstacle.Reason) ? Later : Soon, step.Again, await lifetime.KeepAsync(task, loaded, cancel)];
        return again.Min() is { } next ? ReconcileResult.After(next) : ReconcileResult.Done;
    }

    async Task<(Loaded<TaskState> Loaded, Obstacle? Obstacle)> AcceptAsync(VideoTask task, Loaded<TaskState> loaded, CancellationToken cancel)
    {
        TaskCommand command;
        var known = await dependencies.LoadAsync(task, cancel);
        switch (TaskAcceptance.Check(task, stores.Engines.List(), stores.Tenants.List(), stores.Pools.List(), options.InputRoots, known))
        {
            case TaskAcceptance.Outcome.Waits or TaskAcceptance.Outcome.Accepted when task.Spec.Cancel is true && !LostHistory.EndOf(task.Status, loaded.State):
                command = new TaskCommand.Reject("Cancelled", "spec.cancel is true", task.Metadata.Namespace, task.Metadata.Name);
                break;
            case TaskAcceptance.Outcome.Waits when dependencies.FindCycle(task) is { } cycle:
                var circle = $"tasks wait for each other's outputs: {string.Join(" → ", cycle)}";
                command = new TaskCommand.Reject("InputCycle", circle, task.Metadata.Namespace, task.Metadata.Name);
                break;
            case TaskAcceptance.Outcome.Waits waits:
                return (loaded, waits.Obstacle);
            // A task that Kubernetes shows as ended is not made a refused one by what else was lost, as the output that it had taken as input (R12).
            case TaskAcceptance.Outcome.Refused refused when LostHistory.EndOf(task.Status, loaded.State):
                return (loaded, new Obstacle(refused.Reason, refused.Message));
            case TaskAcceptance.Outcome.Refused refused:
                command = new TaskCommand.Reject(refused.Reason, refused.Message, task.Metadata.Namespace, task.Metadata.Name);
                break;
            case TaskAcceptance.Outcome.Accepted accepted:
                // What had ended before the history was lost needs its input no more.
                command = !LostHistory.EndOf(task.Status, loaded.State) && await scenes.MissingInputAsync(accepted.Event, cancel) is { } missing
                    ? new TaskCommand.Reject("InputNotFound", missing, task.Metadata.Namespace, task.Metadata.Name)
                    : new TaskCommand.Accept(accepted.Event);
                break;
            default:
                throw new InvalidOperationException("an acceptance has three outcomes");
        }

        if (TaskDecider.Decide(loaded.State, command) is Decision<ITaskEvent>.Events { Items.Count: > 0 } events)
        {
            await ledger.CommitAsync(
                new LedgerCommit("operator", [new TaskChange(task.Metadata.Uid!, loaded, events.Items)], [], leader.Epoch),
                cancel);
        }

        return (await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel), null);
    }

    // Deleted: what runs is cancelled and on record before the object may go.
    async Task<CleanUp> EndAsync(VideoTask task, Loaded<TaskState> loaded, CancellationToken cancel)
    {
        if (loaded.State is { IsEnded: false, Phase: not TaskPhase.None })
        {
            const string by = "deletion of the VideoTask";
            await attempts.StopAsync(task.Metadata.Uid!, _ => new TaskCommand.Cancel(by), by, leader.Epoch, cancel);
            loaded = await ledger.LoadTaskAsync(task.Metadata.Uid!, cancel);
        }

        var left = await scenes.CleanUpAsync(loaded, cancel);
        if (left.Again is { } again)
        {
            await statuses.WriteAsync(task, loaded, null, null, left.Leases, cancel);
            // Its end is on record, and pods and leases hold finalizers of their own.
            return CleanUp.Waiting("its worker pods to end", again, mayLetGo: loaded.State.IsEnded);
        }

        signals.Changed(loaded.State, null);
        return CleanUp.Complete;
    }
}
