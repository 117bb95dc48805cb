using System.Text.Json.Nodes;
using Framelease.Cli.Commands;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;

namespace Framelease.Cli.Demo;

/// <summary>
/// The part that needs a fence: the worker is killed while its ffmpeg goes on. The lease expires, but the slot is not given to anybody until nothing of the
/// worker's tree is left; then the next attempt gets the next token.
/// </summary>
sealed class DemoFailure(
    DemoPlatform platform, Shell shell, DemoStory story, string clip, Applier applier,
    Func<string, Action<TaskView, TaskProgress?>?, CancellationToken, Task<TaskView>> follow, Func<TaskView, CancellationToken, Task> showHistory)
{
    const string Name = "clip-again";

    bool _killed;

    public async Task RunAsync(CancellationToken ct)
    {
        story.Step("A second task, whose worker will be killed (SIGKILL) half-way while its ffmpeg still runs");
        await UploadCommand.PutAsync(platform.ObjectStore, clip, "inputs/second.mp4", shell, ct);
        await applier.ApplyAsync(Task(), ct);
        var task = await follow(Name, KillHalfWay, ct);
        if (!_killed)
            throw new CliException("the second task ended before its worker could be killed; this machine is too fast for the demo's clip");
        story.Step("The history of both leases: expired, quarantined, freed by proof, granted again under the next token");
        await showHistory(task, ct);
        await applier.ShowTasksAsync(ct);
        if (task.Attempt < 2)
            throw new CliException($"the second task succeeded in attempt {task.Attempt}; a second attempt was expected");
    }

    void KillHalfWay(TaskView task, TaskProgress? progress)
    {
        if (_killed || task.Attempt != 1 || progress is null || progress.PerMille < 400 || task.Pod is null)
            return;
        if (WorkerProcess.Find(task.Pod) is not { } worker)
            return;
        var ffmpeg = WorkerProcess.ChildOf(worker, "ffmpeg");
        _killed = Signals.Send(worker, Signals.Kill);
        if (!_killed)
            return;
        story.Say("");
        story.Say($">>> worker {worker} killed at {progress.PerMille / 10} %; its ffmpeg {ffmpeg} {(ffmpeg is { } pid && Signals.Alive(pid) ? "still lives" : "has ended")}");
        story.Say("");
    }

    // Slow enough that half-way is a moment that can be met.
    static JsonObject Task() =>
        Manifests.TaskManifest.Build("ffmpeg-transcode", "inputs/second.mp4", ["codec=h264", "crf=22", "preset=fast"], Name, null, Guid.Empty);
}
