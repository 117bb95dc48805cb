using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;
using Framelease.Resources;
using ObjectKey = Framelease.Kubernetes.Models.ObjectKey;

namespace Framelease.Operator.Tasks;

/// <summary>
/// Cancels tasks that the log has as running and whose VideoTask is gone. A finalizer keeps the object until its end is on record, so that end
/// was in a part of the history that was lost (R12), or somebody took the finalizer off by hand. No reconciler comes by such a task again.
/// Looks at the present, when its leader begins and now and then, so it may be stopped anywhere.
/// </summary>
sealed class OrphanedTasks(
    ILedger ledger, IKubernetesClient kubernetes, Store<VideoTask> tasks, AttemptService attempts, TimeProvider time, ILogger logger)
{
    const int Page = 500;

    static readonly TimeSpan Period = TimeSpan.FromMinutes(10);
    static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var next = Period;
            try
            {
                await LookAsync(epoch, cancel);
            }
            catch (LedgerUnavailableException e)
            {
                Log.DatabaseUnavailable(logger, e.Message);
                next = Soon;
            }
            catch (LedgerConflictException)
            {
                // Somebody else wrote first: the next look sees what.
                next = Soon;
            }
            catch (KubernetesException e)
            {
                Log.KubernetesUnavailable(logger, e.Message);
                next = Soon;
            }

            await Task.Delay(next, time, cancel);
        }
    }

    /// <returns>How many were cancelled.</returns>
    public async Task<int> LookAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var cancelled = 0;
        for (var after = ""; ;)
        {
            var page = await ledger.ReadRunningTasksAsync(after, Page, cancel);
            foreach (var task in page)
                cancelled += await CancelIfGoneAsync(task, epoch, cancel) ? 1 : 0;
            if (page.Count < Page)
                return cancelled;
            after = page[^1].Uid;
        }
    }

    // What a watch does not show may be too young for it: the API server is asked before anything is decided.
    async Task<bool> CancelIfGoneAsync(NamedStream task, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (tasks.Find(new ObjectKey(task.Namespace, task.Name))?.Metadata.Uid == task.Uid
            || (await kubernetes.FindAsync<VideoTask>(task.Name, task.Namespace, cancel))?.Metadata.Uid == task.Uid)
            return false;
        var loaded = await ledger.LoadTaskAsync(task.Uid, cancel);
        if (loaded.State.IsEnded)
            return false;
        const string by = "deletion of the VideoTask, which the log lacks";
        var stop = await attempts.StopAsync(task.Uid, _ => new TaskCommand.Cancel(by), by, epoch, cancel);
        if (stop.Refusal is { } refusal)
        {
            Log.Refused(logger, "cancel", $"none, of task {task.Namespace}/{task.Name}", refusal.Reason, refusal.Message);
            return false;
        }

        Log.OrphanCancelled(logger, task.Namespace, task.Name, task.Uid);
        return true;
    }
}
