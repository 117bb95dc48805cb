using System.Text.Json.Nodes;
using Framelease.Cli;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests;

/// <summary>Tasks of several scenes, and what a person may still want of a task: on the built programs, with two slots.</summary>
public sealed class ScenesTests : IAsyncLifetime
{
    readonly Platform _platform = new() { Slots = 2 };

    public Task InitializeAsync() => _platform.InitializeAsync();

    public Task DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task Scenes_run_side_by_side_and_each_makes_its_own_output()
    {
        await _platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var name = await _platform.SubmitAsync(Spec(
            new JsonObject(),
            new JsonObject { ["parameters"] = new JsonObject { ["codec"] = "vp9" } },
            new JsonObject { ["input"] = new JsonObject { ["uri"] = await LocalAsync(Clips.Short) }, ["parameters"] = new JsonObject { ["height"] = 120 } }));

        var task = await _platform.EndedAsync(name);

        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        (task.Output, task.ScenesDone).ShouldBe((null, 3));
        task.Outputs.Select(o => (o.VideoCodec, o.Resolution)).ShouldBe([("h264", "160x90"), ("vp9", "160x90"), ("h264", "214x120")]);
        task.Outputs.ShouldAllBe(o => new FileInfo(new Uri(o.Uri).LocalPath).Length == o.Bytes);
        await DownloadsAsync(name, task);
        var events = await _platform.TaskEventsAsync(task.Uid);
        events.Count(e => e.Type == "SceneCommitted").ShouldBe(3);
        var started = events.Where(e => e.Type == "AttemptStarted").Take(2).Max(e => e.Sequence);
        events.First(e => e.Type == "SceneCommitted").Sequence.ShouldBeGreaterThan(started, "two slots, so two at once");
    }

    [Fact]
    public async Task A_scene_that_cannot_be_made_ends_the_others_and_gives_back_their_devices()
    {
        await _platform.UploadAsync(Clips.Long, "inputs/long.mp4");
        await _platform.UploadAsync(Clips.Text, "inputs/text.mp4");
        var name = await _platform.SubmitAsync(Spec(
            new JsonObject { ["input"] = new JsonObject { ["object"] = "inputs/long.mp4" }, ["parameters"] = new JsonObject { ["preset"] = "veryslow", ["height"] = 0 } },
            new JsonObject { ["input"] = new JsonObject { ["object"] = "inputs/text.mp4" } }));

        var task = await _platform.EndedAsync(name);

        (task.Succeeded, task.Reason).ShouldBe((false, "InputUnreadable"));
        await Until.True(_platform.AllSlotsFreeAsync, "both slots are free again");
        (await _platform.TaskEventsAsync(task.Uid)).Count(e => e.Type is "TaskFailed" or "TaskSucceeded").ShouldBe(1);
    }

    [Fact]
    public async Task A_task_takes_the_output_of_another_when_that_is_made()
    {
        await _platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var small = await _platform.SubmitAsync(Spec(new JsonObject(), new JsonObject { ["parameters"] = new JsonObject { ["height"] = 72 } }));
        var smaller = await _platform.SubmitAsync(new JsonObject
        {
            ["input"] = new JsonObject { ["task"] = small, ["scene"] = 1 }, ["parameters"] = new JsonObject { ["codec"] = "vp9", ["preset"] = "ultrafast" },
        });

        var task = await _platform.EndedAsync(smaller);

        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        (task.Output!.VideoCodec, task.Output.Resolution).ShouldBe(("vp9", "128x72"));
    }

    [Fact]
    public async Task A_suspended_task_gives_back_its_device_and_makes_its_output_when_it_is_resumed()
    {
        await _platform.UploadAsync(Clips.Long, "inputs/long.mp4");
        var name = await LongAsync();
        await _platform.ProgressedAsync(name, 100);

        (await FrameleaseAsync("suspend", name)).ShouldBe($"videotask.framelease.dev/{name} suspended");
        await Until.True(async () => (await _platform.ViewAsync(name)).Phase == "Suspended", "the task is suspended");
        await Until.True(_platform.AllSlotsFreeAsync, "its slot is free");

        (await FrameleaseAsync("resume", name)).ShouldBe($"videotask.framelease.dev/{name} resumed");
        var task = await _platform.EndedAsync(name);
        (task.Succeeded, task.Attempt).ShouldBe((true, 2), $"{task.Reason}: {task.Message}");
        (await _platform.ConditionAsync(name, "Suspended"))!["status"]!.GetValue<string>().ShouldBe("False");
    }

    [Fact]
    public async Task A_cancelled_task_ends_at_once_and_cannot_be_taken_back()
    {
        await _platform.UploadAsync(Clips.Long, "inputs/long.mp4");
        var name = await LongAsync();
        await _platform.ProgressedAsync(name, 100);

        (await FrameleaseAsync("cancel", name)).ShouldBe($"videotask.framelease.dev/{name} cancelled");

        var task = await _platform.EndedAsync(name);
        (task.Succeeded, task.Reason).ShouldBe((false, "Cancelled"));
        await Until.True(_platform.AllSlotsFreeAsync, "its slot is free");
        (await FrameleaseAsync("resume", "nobody", ExitCodes.Failed)).ShouldContain("nobody");
    }

    async Task DownloadsAsync(string name, TaskView task)
    {
        var to = Path.Combine(_platform.Home, "downloads");
        await FrameleaseAsync(["download", name, "-d", to]);
        Directory.GetFiles(to).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal).ShouldBe([$"{name}-0.mp4", $"{name}-1.webm", $"{name}-2.mp4"]);
        foreach (var (output, i) in task.Outputs.Select((o, i) => (o, i)))
            new FileInfo(Directory.GetFiles(to, $"{name}-{i}.*").Single()).Length.ShouldBe(output.Bytes);
        (await FrameleaseAsync(["download", name, "-d", to], ExitCodes.Failed)).ShouldContain("exists; choose another --directory, or pass --force");

        await _platform.Client.DeleteAsync<VideoTask>(name, "default");
        await Until.True(async () => await _platform.Client.FindAsync<VideoTask>(name, "default") is null, "the object is gone");
        (await FrameleaseAsync(["download", task.Uid, "-d", to, "--force"])).ShouldContain(task.Outputs[2].Sha256!);
        (await FrameleaseAsync(["tasks", "--phase", "Succeeded"])).ShouldMatch($@"NAME\s+PHASE[\s\S]*{name}\s+Succeeded\s+ffmpeg-transcode\s+3/3\s+3\s");
        (await FrameleaseAsync(["tasks", "--phase", "Lost"], ExitCodes.Failed)).ShouldContain("allowed is Suspended, Queued, Running, Succeeded, Failed");
        (await FrameleaseAsync(["engines"])).ShouldMatch(@"ffmpeg-transcode\s+True\s+GpuPreferred\s+codec\s+Enum\s+h264\|");
    }

    Task<string> LongAsync() => _platform.SubmitAsync(new JsonObject
    {
        ["input"] = new JsonObject { ["object"] = "inputs/long.mp4" }, ["parameters"] = new JsonObject { ["preset"] = "medium" },
    });

    static JsonObject Spec(params JsonNode[] scenes) => new()
    {
        ["parameters"] = new JsonObject { ["height"] = 90, ["preset"] = "ultrafast" }, ["scenes"] = new JsonArray(scenes),
    };

    async Task<string> LocalAsync(string clip)
    {
        var file = Path.Combine(_platform.InputRoot, Path.GetFileName(clip));
        await using (var from = File.OpenRead(clip))
        await using (var to = File.Create(file))
            await from.CopyToAsync(to);
        return new Uri(file).ToString();
    }

    Task<string> FrameleaseAsync(string verb, string task, int exitCode = ExitCodes.Ok) => FrameleaseAsync([verb, task], exitCode);

    async Task<string> FrameleaseAsync(string[] arguments, int exitCode = ExitCodes.Ok)
    {
        var ran = await Tool.RunAsync(Dist.Framelease, [.. arguments, "--kubeconfig", _platform.Kubeconfig], CancellationToken.None);
        ran.ExitCode.ShouldBe(exitCode, ran.Error);
        return (ran.Output + ran.Error).Trim();
    }
}
