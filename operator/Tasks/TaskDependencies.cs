using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Ledger;
using Framelease.Resources;
using ObjectKey = Framelease.Kubernetes.Models.ObjectKey;

namespace Framelease.Operator.Tasks;

/// <summary>Tasks whose input is another task's output: who waits for whom, and what became of those that are waited for.</summary>
sealed class TaskDependencies
{
    /// <summary>Every task that waits looks, so the look is short; a longer circle waits without a word.</summary>
    const int MostOfACycle = 100;

    readonly ILedger _ledger;
    readonly Store<VideoTask> _tasks;
    readonly StoreIndex<ObjectKey, VideoTask> _dependents;

    /// <summary>Make one before the store is filled: it adds an index to it.</summary>
    public TaskDependencies(ILedger ledger, Store<VideoTask> tasks)
    {
        (_ledger, _tasks) = (ledger, tasks);
        _dependents = tasks.AddIndex(static t => TaskInputs.TasksIn(t.Spec).Select(name => new ObjectKey(t.Metadata.Namespace, name)));
    }

    /// <summary>Who may begin because of this task: nobody, until it has ended.</summary>
    public IEnumerable<ObjectKey> Dependents(VideoTask task) => task.Status?.Phase is "Succeeded" or "Failed"
        ? _dependents.Find(task.Key()).Select(t => t.Key())
        : [];

    /// <summary>The tasks that are named, from the log: it outlives their objects, and is never behind.</summary>
    public async Task<IReadOnlyDictionary<string, TaskState>> LoadAsync(VideoTask task, CancellationToken cancel)
    {
        var known = new Dictionary<string, TaskState>(StringComparer.Ordinal);
        foreach (var name in TaskInputs.TasksIn(task.Spec))
        {
            if (await _ledger.FindByNameAsync("task", task.Metadata.Namespace, name, cancel) is { } found && found.Name == name)
                known[name] = (await _ledger.LoadTaskAsync(found.Uid, cancel)).State;
        }

        return known;
    }

    /// <returns>The tasks that wait for each other, this one first and last; null when none do, or too many to look at.</returns>
    public IReadOnlyList<string>? FindCycle(VideoTask task)
    {
        // By whom each was reached; looked at in the order of their distance.
        var reachedBy = new Dictionary<string, string>(StringComparer.Ordinal);
        var next = new Queue<VideoTask>([task]);
        while (next.TryDequeue(out var at) && reachedBy.Count < MostOfACycle)
        {
            foreach (var name in TaskInputs.TasksIn(at.Spec))
            {
                if (name == task.Metadata.Name)
                    return Way(task.Metadata.Name!, at.Metadata.Name!, reachedBy);
                if (reachedBy.TryAdd(name, at.Metadata.Name!) && _tasks.Find(new ObjectKey(task.Metadata.Namespace, name)) is { } other)
                    next.Enqueue(other);
            }
        }

        return null;
    }

    static List<string> Way(string from, string last, Dictionary<string, string> reachedBy)
    {
        List<string> way = [from];
        for (var at = last; at != from; at = reachedBy[at])
            way.Insert(0, at);
        return [from, .. way];
    }
}
