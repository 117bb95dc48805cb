using System.Text.Json.Nodes;
using Framelease.Cli.Commands;
using Framelease.Cli.History;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;

namespace Framelease.Cli.Demo;

/// <summary>
/// The part that needs a fence: the worker is killed while its ffmpeg goes on. The lease expires, but the slot is not given to anybody until nothing of the
/// worker's tree is left; then the next attempt gets the next token.
/// </summary>
sealed class DemoFailure(
    DemoPlatform platform, Shell shell, DemoStory story, string clip, Applier applier,
    Func<string, Action<TaskView, TaskProgress?>?, CancellationToken, Task<TaskView>> follow, Func<TaskView, CancellationToken, Task> showHistory,
    Func<string, CancellationToken, Task<IReadOnlyList<HistoryItem>>> leaseHistory)
{
    const string Name = "clip-again";

    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    bool _killed;
    Task _aftermath = Task.CompletedTask;

    public async Task RunAsync(CancellationToken ct)
    {
        story.Step("A second task, whose worker will be killed (SIGKILL) half-way while its ffmpeg still runs");
        await UploadCommand.PutAsync(platform.ObjectStore, clip, "inputs/second.mp4", shell, ct);
        await applier.ApplyAsync(Manifest(), ct);
        var task = await follow(Name, (seen, progress) => KillHalfWay(seen, progress, ct), ct);
        if (!_killed)
            throw new CliException("the second task ended before its worker could be killed; this machine is too fast for the demo's clip");
        await _aftermath;
        story.Step("The history of both leases: expired, quarantined, freed by proof, granted again under the next token");
        await showHistory(task, ct);
        await applier.ShowTasksAsync(ct);
        if (task.Attempt < 2)
            throw new CliException($"the second task succeeded in attempt {task.Attempt}; a second attempt was expected");
    }

    void KillHalfWay(TaskView task, TaskProgress? progress, CancellationToken ct)
    {
        if (_killed || task.Attempt != 1 || progress is null || progress.PerMille < 400 || task.Pod is null)
            return;
        if (WorkerProcess.Find(task.Pod) is not { } worker)
            return;
        var ffmpeg = WorkerProcess.ChildOf(worker, "ffmpeg");
        _killed = Signals.Send(worker, Signals.Kill);
        if (!_killed)
            return;
        story.Say($">>> worker {worker} killed at {progress.PerMille / 10} %; its ffmpeg {ffmpeg} {(ffmpeg is { } pid && Signals.Alive(pid) ? "still lives" : "has ended")}");
        _aftermath = TellAsync(task.Pod, ct); // a lease has the name of its attempt's pod
    }

    /// <summary>What happens to the slot, as it is decided: quarantine first, then the proof that frees it.</summary>
    async Task TellAsync(string lease, CancellationToken ct)
    {
        var told = 0L;
        for (var start = shell.Time.GetTimestamp(); shell.Time.GetElapsedTime(start) < Longest; await Task.Delay(Look, shell.Time, ct))
        {
            foreach (var item in (await leaseHistory(lease, ct)).Where(item => item.Sequence > told))
            {
                told = item.Sequence;
                if (Says(item) is { } line)
                    story.Say($">>> {line}");
                if (item.Type == "SlotFreed")
                    return;
            }
        }

        throw new CliException($"the slot of lease {lease} was not freed within {Longest.TotalSeconds:0} s of its worker's death");
    }

    static string? Says(HistoryItem item) => item.Type switch
    {
        "LeaseExpired" => $"its lease expired: {item.Data["message"]}",
        "SlotQuarantined" => $"slot Quarantined under token {item.Data["token"]}: nobody may have it before a proof that its last holder is gone",
        "SlotFreed" => $"slot Free by proof {item.Data["proof"]}: {item.Data["evidence"]}",
        _ => null,
    };

    // Slow enough that half-way is a moment that can be met, also with many cores.
    static JsonObject Manifest()
    {
        string[] parameters = Environment.ProcessorCount switch
        {
            < 4 => ["codec=h264", "crf=23", "preset=medium", "height=480"],
            < 8 => ["codec=h264", "crf=22", "preset=medium"],
            _ => ["codec=h264", "crf=20", "preset=veryslow"],
        };
        return Manifests.TaskManifest.Build("ffmpeg-transcode", "inputs/second.mp4", parameters, Name, null, Guid.Empty);
    }
}
