using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Framelease.Cli.History;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests.Leases;

/// <summary>
/// A worker that sleeps past its expiry, on a node that is cut off, in a pool that hands slots on by time: the one case in which it can wake
/// while its slot is another's. Its process may not be ended by proof then; its word must count for nothing (R2).
/// </summary>
public sealed class SleepingWorkerTests
{
    [Fact]
    public async Task A_worker_that_wakes_after_its_slot_was_handed_on_is_refused_and_the_next_ones_output_is_untouched()
    {
        var platform = new Platform();
        await platform.InitializeAsync();
        try
        {
            var terms = new
            {
                heartbeatIntervalSeconds = 2, heartbeatTimeoutSeconds = 10, onLostContact = "Stop", stopAfterSeconds = 5, lockDelaySeconds = 10,
            };
            await platform.Client.PatchAsync<GpuPool>("default", null, Patch.Merge(new { spec = terms }));
            await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
            await platform.UploadAsync(Clips.Long, "inputs/long.mp4");
            var first = await platform.SubmitAsync(Spec("inputs/long.mp4", "veryslow"));
            await platform.ProgressedAsync(first, 10);
            var second = await platform.SubmitAsync(Spec("inputs/short.mp4", "ultrafast"));
            var sleeper = await platform.ViewAsync(first);
            var worker = WorkerProcess.Find(sleeper.Pod!).ShouldNotBeNull();

            using (platform.Freeze("node"))
            {
                using (new Frozen(worker))
                {
                    await LeasesAsync(platform, sleeper.Uid, l => l.Any(e => e.Type == "SlotFreed" && (string?)e.Data["proof"] == "LockDelay"));
                    var heir = await platform.ViewAsync(second);
                    await LeasesAsync(platform, heir.Uid, l => l.Any(e => e.Type == "LeaseGranted"));
                }

                // Awake, while the slot is the other's by record and nobody has ended it.
                await LeasesAsync(platform, sleeper.Uid, l => l.Any(e => e.Type == "StaleHolderRejected"));
                // Nobody reaps it while the node stands still; without an environment it has ended.
                await Until.True(() => Task.FromResult(WorkerProcess.Find(sleeper.Pod!) is null), "the worker ends by itself");
            }

            var ended = await platform.EndedAsync(second);
            ended.Succeeded.ShouldBeTrue($"{ended.Reason}: {ended.Message}");
            ended.Token.ShouldBe(sleeper.Token + 1);
            var output = await File.ReadAllBytesAsync(new Uri(ended.Output!.Uri).LocalPath);
            Convert.ToHexStringLower(SHA256.HashData(output)).ShouldBe(ended.Output.Sha256);
            (await platform.TaskEventsAsync(sleeper.Uid)).ShouldNotContain(
                e => e.Type == "SceneCommitted" && (int)e.Data["attempt"]! == sleeper.Attempt, "nothing of the sleeper counts");
            (await GrantLog.OverlapsAsync(platform.Postgres)).ShouldBeEmpty();
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    static JsonObject Spec(string input, string preset) => (JsonObject)JsonNode.Parse($$"""
        {"input": {"object": "{{input}}"}, "parameters": {"codec": "h264", "preset": "{{preset}}"} }
        """)!;

    static Task LeasesAsync(Platform platform, string taskUid, Func<IReadOnlyList<HistoryItem>, bool> met) =>
        Until.True(async () => met(await platform.LeaseEventsAsync(taskUid)), "the leases' history says what is awaited");
}
