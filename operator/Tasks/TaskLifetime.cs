using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Tasks;

/// <summary>
/// How long a task may take (activeDeadlineSeconds), and how long its object stays after its end (ttlSecondsAfterFinished). Both by PostgreSQL's
/// clock (R3); both are looked at in every pass, so that no timer has to survive anything.
/// </summary>
sealed class TaskLifetime(IKubernetesClient kubernetes, AttemptService attempts)
{
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <returns>True when the task was ended: load it again.</returns>
    public async Task<bool> EndOverdueAsync(Loaded<TaskState> loaded, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (loaded.State is not { IsEnded: false, Deadline: { } deadline } || loaded.DatabaseNow < deadline)
            return false;
        var plan = await attempts.ExceedDeadlineAsync(
            loaded.State.Accepted!.TaskUid, AttemptFence.RunningIn(loaded.State), epoch, cancel);
        return plan.Task.Count > 0;
    }

    /// <summary>Deletes the task if it ended long enough ago.</summary>
    /// <returns>How long until there is something to do; null when there never is.</returns>
    public async Task<TimeSpan?> KeepAsync(VideoTask task, Loaded<TaskState> loaded, CancellationToken cancel)
    {
        if (!loaded.State.IsEnded)
        {
            // An end that was refused (events of a newer version, an attempt that ended meanwhile) is tried again, but not at once for ever.
            var left = loaded.State.Deadline - loaded.DatabaseNow;
            return left <= TimeSpan.Zero ? Soon : left;
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
