using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Tasks;

/// <summary>Follows tasks until all have ended. State comes from the API server, progress from the operator; either may be away for a while.</summary>
sealed class TaskWatch(Cluster cluster, Shell shell, IWatchDisplay display)
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(300);
    static readonly ResourceRef Tasks = ResourceRef.Of<VideoTask>();

    readonly Dictionary<string, TaskView> _views = new(StringComparer.Ordinal);
    readonly Lock _lock = new(); // following and reporting run side by side
    bool _operatorAway;

    public TaskWatch(Cluster cluster, Shell shell, bool json)
        : this(cluster, shell, DisplayFor(shell, json))
    {
    }

    public static IWatchDisplay DisplayFor(Shell shell, bool json) =>
        json ? new JsonDisplay(shell.Console) : shell.Console.IsTerminal ? new BarDisplay(shell.Console) : new LineDisplay(shell.Console, shell.Time);

    /// <returns>0 when every task succeeded, 1 when one failed or was deleted.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> names, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var following = FollowAsync(names, stop.Token);
        var reporting = ReportAsync(stop.Token);
        try
        {
            await following;
        }
        finally
        {
            await stop.CancelAsync();
            await Settled(reporting);
            display.Finish();
        }

        return names.All(name => View(name) is { Succeeded: true }) ? ExitCodes.Ok : ExitCodes.Failed;
    }

    async Task FollowAsync(IReadOnlyList<string> names, CancellationToken ct)
    {
        var wanted = names.ToHashSet(StringComparer.Ordinal);
        while (true)
        {
            try
            {
                var list = await cluster.Client.ListAsync<JsonObject>(Tasks, cluster.Namespace, null, ct);
                var found = list.Items.Where(item => wanted.Contains(TaskView.Of(item).Name)).ToList();
                if (wanted.FirstOrDefault(name => found.TrueForAll(item => TaskView.Of(item).Name != name)) is { } missing)
                    throw new CliException(View(missing) is not null ? Gone(missing) : $"videotasks \"{missing}\" not found in namespace {cluster.Namespace}");
                foreach (var item in found)
                    Take(TaskView.Of(item));
                if (Ended(wanted))
                    return;
                await foreach (var change in cluster.Client.WatchAsync<JsonObject>(
                    Tasks, cluster.Namespace, new WatchOptions { ResourceVersion = list.ResourceVersion }, ct))
                {
                    if (change.Type is WatchEventType.Bookmark)
                        continue;
                    var view = TaskView.Of(change.Object!);
                    if (!wanted.Contains(view.Name))
                        continue;
                    if (change.Type is WatchEventType.Deleted)
                        throw new CliException(Gone(view.Name));
                    Take(view);
                    if (Ended(wanted))
                        return;
                }
            }
            catch (KubernetesException error) when (error.IsTransient || error.IsGone)
            {
                // The API server comes back, or the watch begins anew; nothing is lost, because it begins with a list.
                await Task.Delay(Pace, shell.Time, ct);
            }
        }
    }

    async Task ReportAsync(CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(Pace, shell.Time, ct);
            foreach (var view in Running())
            {
                try
                {
                    var api = await cluster.OperatorAsync(ct);
                    if (await TaskProgress.FindAsync(api, view.Uid, view.Scenes, ct) is { } progress)
                        Take(view.Name, progress);
                    _operatorAway = false;
                }
                catch (Exception error) when (error is CliException or KubernetesException)
                {
                    // Once, not at every tick: the task goes on without anybody watching.
                    if (!_operatorAway)
                        shell.Console.Error.WriteLine($"framelease: no progress for now: {error.Message}");
                    _operatorAway = true;
                }
            }
        }
    }

    void Take(TaskView view)
    {
        lock (_lock)
        {
            _views[view.Name] = view;
            display.Show(view, null);
        }
    }

    // A beat that arrives after its attempt is over says nothing about the present one.
    void Take(string name, TaskProgress progress)
    {
        lock (_lock)
        {
            if (_views[name] is { Finished: false } view && (view.Scenes > 1 || view.Attempt == progress.Attempt))
                display.Show(view, progress);
        }
    }

    TaskView? View(string name)
    {
        lock (_lock)
            return _views.GetValueOrDefault(name);
    }

    List<TaskView> Running()
    {
        lock (_lock)
            return [.. _views.Values.Where(view => view is { Finished: false, Phase: "Running" })];
    }

    bool Ended(IEnumerable<string> wanted) => wanted.All(name => View(name) is { Finished: true });

    static string Gone(string name) => $"videotasks \"{name}\" was deleted; framelease history of its uid still tells what happened";

    static async Task Settled(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // that is how it ends
        }
    }
}
