// The demo, step by step: one task that succeeds, one whose worker is killed half-way, and the history that tells both.
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Commands;
using Framelease.Cli.Connecting;
using Framelease.Cli.History;
using Framelease.Cli.Tasks;
using Framelease.Cli.Terminal;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Cli.Demo;

sealed class DemoRun(DemoOptions options, DemoPlatform platform, Cluster cluster, Shell shell, DemoStory story, string clip)
{
    readonly Applier _applier = new(cluster, platform.Kubeconfig, shell, story);
    int _events;

    /// <returns>The output file, and how many events the histories shown hold.</returns>
    public async Task<(string Output, int Events)> RunAsync(CancellationToken ct)
    {
        story.Step($"Uploading the video as inputs/clip.mp4 ({Format.Bytes(new FileInfo(options.Video ?? clip).Length)})");
        var put = await UploadCommand.PutAsync(platform.ObjectStore, options.Video ?? clip, "inputs/clip.mp4", shell, ct);
        story.Say($"sha256 {put.Sha256}");

        story.Step(_applier.HasKubectl ? "Applying samples/videotask.yaml with the stock kubectl" : "Applying samples/videotask.yaml (no kubectl here: with our own client)");
        await _applier.ApplyAsync(Path.Combine(options.Samples, "videotask.yaml"), ct);
        var first = await FollowAsync("clip", null, ct);
        var output = await ShowOutputAsync(first, ct);
        story.Step("The history of its lease, from the event log");
        await ShowHistoryAsync(first, ct);
        story.Step("The task as Kubernetes shows it");
        await _applier.ShowTasksAsync(ct);

        await new DemoFailure(platform, shell, story, clip, _applier, FollowAsync, ShowHistoryAsync, LeaseHistoryAsync).RunAsync(ct);
        return (output, _events);
    }

    async Task<TaskView> FollowAsync(string name, Action<TaskView, TaskProgress?>? seen, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var display = new LogFollower(TaskWatch.DisplayFor(shell, json: false), cluster, shell, stop.Token) { Seen = seen };
        var exit = await new TaskWatch(cluster, shell, display).RunAsync([name], ct);
        await display.DrainAsync();
        await stop.CancelAsync();
        var view = TaskView.Of(await cluster.Client.GetAsync(ResourceRef.Of<VideoTask>(), name, cluster.Namespace, ct));
        return exit == ExitCodes.Ok ? view : throw new CliException($"task {name} failed: {view.Reason}: {view.Message}");
    }

    async Task<string> ShowOutputAsync(TaskView task, CancellationToken ct)
    {
        var output = task.Output ?? throw new CliException($"task {task.Name} succeeded without an output");
        var committed = new Uri(output.Uri).LocalPath;
        story.Step("The committed output");
        story.Say($"uri      {output.Uri}");
        story.Say($"size     {Format.Bytes(output.Bytes)} ({output.Bytes.ToString(CultureInfo.InvariantCulture)} bytes)");
        story.Say($"sha256   {output.Sha256}");
        story.Say($"ffprobe  {await new DemoClip(shell).FactsAsync(committed, ct)}");
        story.Say($"encoder  {output.Encoder} ({output.EncoderReason})");
        if (options.Keep)
            return output.Uri;
        // The platform's directory goes with the demo; its result stays.
        Directory.CreateDirectory(options.OutputDirectory);
        var target = Path.Combine(options.OutputDirectory, $"clip-{task.Uid[..8]}{Path.GetExtension(committed)}");
        File.Copy(committed, target, overwrite: true);
        return target;
    }

    /// <summary>Of every attempt's lease; the task's own events are counted, too.</summary>
    async Task ShowHistoryAsync(TaskView task, CancellationToken ct)
    {
        var api = await cluster.OperatorAsync(ct);
        var items = Items(await api.FindAsync(HistoryCommand.TaskPath(task.Uid), ct));
        _events += items.Count;
        HistoryTable.Write([.. items.Where(item => item.Stream.StartsWith("lease-", StringComparison.Ordinal))], shell.Console);
    }

    async Task<IReadOnlyList<HistoryItem>> LeaseHistoryAsync(string name, CancellationToken ct) =>
        Items(await (await cluster.OperatorAsync(ct)).FindAsync(HistoryCommand.LeasePath(name), ct));

    static IReadOnlyList<HistoryItem> Items(JsonObject? answer) => answer is null ? [] : HistoryItem.FromAnswer(answer);
}
