using System.Text.Json.Nodes;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;

namespace Framelease.EndToEnd.Tests;

/// <summary>A platform is its data directory: whatever was killed, the next `up` goes on from there.</summary>
public sealed class SecondUpTests(Platform platform) : IClassFixture<Platform>
{
    [Fact]
    public async Task After_a_kill_of_everything_the_next_up_finishes_what_ran()
    {
        await platform.UploadAsync(Clips.Long, "inputs/long.mp4");
        var name = await platform.SubmitAsync((JsonObject)JsonNode.Parse("""
            {"input": {"object": "inputs/long.mp4"}, "parameters": {"preset": "slow", "crf": 20},
             "timeouts": {"heartbeatIntervalSeconds": 1, "heartbeatTimeoutSeconds": 3}}
            """)!);
        await platform.ProgressedAsync(name, 100);
        var before = await platform.ViewAsync(name);

        await platform.KillAllAsync();
        await platform.UpAsync();

        var task = await platform.EndedAsync(name);
        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        task.Uid.ShouldBe(before.Uid);
        (await platform.TaskEventsAsync(task.Uid)).Count(e => e.Type == "OutputCommitted").ShouldBe(1);
    }

    [Fact]
    public async Task A_stopped_platform_leaves_no_process_and_comes_back_with_its_tasks()
    {
        await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var name = await platform.SubmitAsync(new JsonObject { ["parameters"] = new JsonObject { ["height"] = 90 } });
        var task = await platform.EndedAsync(name);
        var parts = ((string[])["operator", "node", "apiserver", "postgres"]).Select(platform.PidOf).ToList();

        await platform.DownAsync();

        parts.Where(Signals.Alive).ShouldBeEmpty();
        await platform.UpAsync();
        (await platform.ViewAsync(name)).Output!.Sha256.ShouldBe(task.Output!.Sha256);
        (await platform.TaskEventsAsync(task.Uid)).ShouldNotBeEmpty();
    }
}
