using System.Text.Json.Nodes;
using Framelease.Cli.History;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;
using Framelease.EndToEnd.Tests.Support;

namespace Framelease.EndToEnd.Tests;

/// <summary>SIGKILL in mid-task: the task ends right, once, and the history tells the truth.</summary>
public sealed class KillTests(Platform platform) : IClassFixture<Platform>
{
    [Theory]
    [InlineData("operator")]
    [InlineData("postgres")]
    [InlineData("apiserver")]
    [InlineData("node")]
    public async Task A_killed_part_comes_back_and_the_worker_never_noticed(string part)
    {
        var name = await LongTaskAsync();
        await platform.ProgressedAsync(name, 200);
        var before = platform.PidOf(part);

        platform.Kill(part);

        var task = await platform.EndedAsync(name);
        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        await Until.True(() => Task.FromResult(platform.PidOf(part) != before), $"{part} was started again");
        task.Attempt.ShouldBe(1, "blindness is not failure: the first worker goes on");
        await ShouldHaveEndedOnceAsync(task);
    }

    [Fact]
    public async Task A_killed_worker_loses_its_lease_and_the_next_attempt_commits_under_the_next_token()
    {
        var name = await LongTaskAsync();
        await platform.ProgressedAsync(name, 200);
        var first = await platform.ViewAsync(name);
        var worker = WorkerProcess.Find(first.Pod!).ShouldNotBeNull();
        var ffmpeg = WorkerProcess.ChildOf(worker, "ffmpeg").ShouldNotBeNull();

        Signals.Send(worker, Signals.Kill);

        var task = await platform.EndedAsync(name);
        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        task.Attempt.ShouldBe(2);
        Signals.Alive(ffmpeg).ShouldBeFalse("nothing of the killed worker's tree may outlive the proof");
        await ShouldHaveEndedOnceAsync(task);
        var lease = await platform.LeaseEventsAsync(task.Uid);
        lease.Select(e => e.Type).ShouldBe(
        [
            "LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseExpired", "SlotQuarantined", "SlotFreed",
            "LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseReleased",
        ]);
        var tokens = lease.Where(e => e.Type == "LeaseGranted").Select(e => (long)e.Data["token"]!).ToList();
        tokens[1].ShouldBe(tokens[0] + 1);
        Index(lease, "SlotFreed").ShouldBeLessThan(lease.ToList().FindLastIndex(e => e.Type == "LeaseGranted"), "no second grant before the proof");
    }

    async Task<string> LongTaskAsync()
    {
        await platform.UploadAsync(Clips.Long, "inputs/long.mp4");
        return await platform.SubmitAsync((JsonObject)JsonNode.Parse("""
            {"input": {"object": "inputs/long.mp4"}, "parameters": {"codec": "h264", "preset": "slow", "crf": 20},
             "timeouts": {"heartbeatIntervalSeconds": 1, "heartbeatTimeoutSeconds": 3}}
            """)!);
    }

    // One commit of the scene, one output, one success; as many starts as attempts; and what is committed is what lies there.
    async Task ShouldHaveEndedOnceAsync(TaskView task)
    {
        // The operator merges the leases' events into a task's history.
        var events = (await platform.TaskEventsAsync(task.Uid)).Where(e => e.Stream == $"task-{task.Uid}").ToList();
        foreach (var once in (string[])["TaskAccepted", "SceneCommitted", "OutputCommitted", "TaskSucceeded"])
            events.Count(e => e.Type == once).ShouldBe(1, once);
        events.Count(e => e.Type == "AttemptStarted").ShouldBe(task.Attempt);
        foreach (var stream in events.GroupBy(e => e.Stream))
            stream.Select(e => e.Version).ShouldBe(Enumerable.Range(1, stream.Count()).Select(i => (long)i), $"no gap and no repeat in {stream.Key}");
        events[^1].Type.ShouldBe("TaskSucceeded");
        var bytes = await File.ReadAllBytesAsync(new Uri(task.Output!.Uri).LocalPath);
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)).ShouldBe(task.Output.Sha256);
    }

    static int Index(IReadOnlyList<HistoryItem> items, string type) => items.ToList().FindIndex(e => e.Type == type);
}
