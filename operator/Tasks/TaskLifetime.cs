using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// What the spec, and the clock, want of a task beyond its work: that it ends by its deadline or because it is cancelled, stands still while it is
/// suspended, and goes some time after its end. By PostgreSQL's clock (R3), and looked at in every pass, so that no timer has to survive anything.
/// </summary>
sealed class TaskLifetime(IKubernetesClient kubernetes, AttemptService attempts)
{
    const string Spec = "the VideoTask's spec";

    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <returns>True when something changed: load it again.</returns>
    public async Task<bool> FollowAsync(VideoTask task, Loaded<TaskState> loaded, LeaderEpoch epoch, CancellationToken cancel)
    {
        var (state, order) = (loaded.State, Order(task.Spec, loaded.State, loaded.DatabaseNow));
        // One scene's failure ends the task, and the others with it. What a lost history had ended is left as it is found (R12).
        var leftovers = state is { IsEnded: true, IsReadopted: false, EndReason: not LostHistory.Condition } && state.Scenes.Values.Any(s => s.IsRunning);
        if (order is null && !leftovers)
            return false;
        var by = order is TaskCommand.Cancel or TaskCommand.Suspend or TaskCommand.Resume ? Spec : "operator";
        var stop = await attempts.StopAsync(
            state.Accepted!.TaskUid, now => order is TaskCommand.ExceedDeadline ? new TaskCommand.ExceedDeadline(now) : order, by, epoch, cancel);
        return !stop.ChangesNothing;
    }

    /// <returns>What the task is to do now; null when it is as it should be.</returns>
    static TaskCommand? Order(VideoTaskSpec spec, TaskState state, DateTimeOffset now) => state switch
    {
        { IsEnded: true } or { Accepted: null } => null,
        _ when spec.Cancel is true => new TaskCommand.Cancel(Spec),
        { Deadline: { } deadline } when now >= deadline => new TaskCommand.ExceedDeadline(now),
        { SuspendedAt: null } when spec.Suspend is true => new TaskCommand.Suspend(Spec),
        { SuspendedAt: not null } when spec.Suspend is not true => new TaskCommand.Resume(Spec),
        _ => null,
    };

    /// <summary>Deletes the task if it ended long enough ago.</summary>
    /// <returns>How long until there is something to do; null when there never is.</returns>
    public async Task<TimeSpan?> KeepAsync(VideoTask task, Loaded<TaskState> loaded, CancellationToken cancel)
    {
        if (!loaded.State.IsEnded)
        {
            // What was refused (events of a newer version, an attempt that ended meanwhile) is tried again, but not at once for ever.
            return Order(task.Spec, loaded.State, loaded.DatabaseNow) is null ? loaded.State.Deadline - loaded.DatabaseNow : Soon;
        }

        if (task.Spec.TtlSecondsAfterFinished is not { } ttl)
            return null;
        var kept = loaded.State.EndedAt!.Value.AddSeconds(ttl) - loaded.DatabaseNow;
        if (kept > TimeSpan.Zero)
            return kept;
        await kubernetes.DeleteAsync<VideoTask>(
            task.Metadata.Name!, task.Metadata.Namespace, DeleteOptions.ForUid(task.Metadata.Uid), cancel);
        return null;
    }
}
