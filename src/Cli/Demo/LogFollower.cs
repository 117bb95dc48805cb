using Framelease.Cli.Commands;
using Framelease.Cli.Connecting;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Demo;

/// <summary>A display that also shows the log of each attempt's worker, as soon as its pod exists.</summary>
sealed class LogFollower(IWatchDisplay inner, Cluster cluster, Shell shell, CancellationToken ct) : IWatchDisplay
{
    readonly Lock _lock = new(); // logs and states arrive side by side
    readonly Dictionary<string, Task> _logs = new(StringComparer.Ordinal);

    /// <summary>Told of every state and beat, for whoever waits for a moment in the task's life.</summary>
    public Action<TaskView, TaskProgress?>? Seen { get; init; }

    public void Show(TaskView task, TaskProgress? progress)
    {
        lock (_lock)
        {
            inner.Show(task, progress);
            if (task is { Phase: "Running", Pod: { } pod } && !_logs.ContainsKey(pod))
                _logs[pod] = FollowAsync(pod);
        }

        Seen?.Invoke(task, progress);
    }

    public void Note(string line)
    {
        lock (_lock)
            inner.Note(line);
    }

    public void Finish()
    {
        lock (_lock)
            inner.Finish();
    }

    /// <summary>Waits a little for last lines; a log that stays open is of a worker that lost its lease.</summary>
    public async Task DrainAsync()
    {
        try
        {
            await Task.WhenAll(_logs.Values).WaitAsync(TimeSpan.FromSeconds(2), shell.Time, ct);
        }
        catch (TimeoutException)
        {
            // shown so far is enough
        }
    }

    async Task FollowAsync(string pod)
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            try
            {
                await LogsCommand.CopyAsync(cluster, pod, new LogOptions { Follow = true }, line => Note($"    worker | {line}"), ct);
                return;
            }
            catch (KubernetesException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), shell.Time, ct); // the container is not there yet
            }
        }
    }
}
