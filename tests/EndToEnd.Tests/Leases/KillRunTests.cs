using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Processes;
using Framelease.EndToEnd.Tests.Support;
using Xunit.Abstractions;

namespace Framelease.EndToEnd.Tests.Leases;

/// <summary>
/// Many leases on eight devices while workers and every part of the platform are killed at random. Invariants: every task succeeds, no slot
/// was two leases' at once, tokens of a slot only grow, and every slot is free at the end.
/// </summary>
public sealed class KillRunTests(ITestOutputHelper output)
{
    static readonly string[] Parts = ["operator", "postgres", "apiserver", "node"];

    [Fact]
    public async Task No_slot_is_two_leases_at_once_whatever_is_killed()
    {
        var given = Environment.GetEnvironmentVariable("FRAMELEASE_SEED");
        var seed = int.TryParse(given, CultureInfo.InvariantCulture, out var number) ? number : Environment.TickCount;
        output.WriteLine($"seed {seed}: FRAMELEASE_SEED={seed} ./test leases");
        var chance = new Random(seed);
        var platform = new Platform { Slots = 8 };
        await platform.InitializeAsync();
        try
        {
            await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
            var tasks = new List<string>();
            for (var i = 0; i < Length.Of(24, 200); i++)
                tasks.Add(await platform.SubmitAsync(Task()));
            var kills = await KillUntilEndedAsync(platform, chance, tasks);
            output.WriteLine($"killed: {string.Join(", ", kills.GroupBy(k => k).Select(k => $"{k.Key} {k.Count()} times"))}");
            foreach (var task in tasks)
            {
                var ended = await platform.EndedAsync(task, 120);
                ended.Succeeded.ShouldBeTrue($"{task}: {ended.Reason}: {ended.Message}");
            }

            await Until.True(() => platform.AllSlotsFreeAsync(), "every slot is free again");
            (await GrantLog.OverlapsAsync(platform.Postgres)).ShouldBeEmpty();
            (await GrantLog.CountAsync(platform.Postgres, "lease_granted")).ShouldBeGreaterThanOrEqualTo(tasks.Count);
            kills.Distinct().Count().ShouldBe(Parts.Length + 1, "everything was killed at least once");
        }
        finally
        {
            await platform.DisposeAsync();
        }
    }

    static JsonObject Task() => (JsonObject)JsonNode.Parse("""
        {"parameters": {"codec": "h264"}, "backoffLimit": 10, "timeouts": {"heartbeatIntervalSeconds": 2, "heartbeatTimeoutSeconds": 10}}
        """)!;

    // The parts in turn and workers in between: how soon the next one dies is drawn, and a part that is just coming back is left alone.
    static async Task<IReadOnlyList<string>> KillUntilEndedAsync(Platform platform, Random chance, List<string> tasks)
    {
        var kills = new List<string>();
        var started = TimeProvider.System.GetTimestamp();
        var round = 0;
        while (!await platform.AllEndedAsync(tasks) || kills.Distinct().Count() <= Parts.Length)
        {
            using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(chance.Next(500, 3_000)));
            await pause.WaitForNextTickAsync();
            if (TimeProvider.System.GetElapsedTime(started) > Length.Of(TimeSpan.FromSeconds(90), TimeSpan.FromMinutes(5)))
                return kills;
            var part = Parts[round % Parts.Length];
            if (chance.Next(2) == 0 && await platform.WorkerPidsAsync() is { Count: > 0 } workers)
            {
                Signals.Send(workers[chance.Next(workers.Count)], Signals.Kill);
                kills.Add("worker");
            }
            else if (platform.TryPidOf(part) is { } pid && Signals.Send(pid, Signals.Kill))
            {
                kills.Add(part);
                round++;
            }
        }

        return kills;
    }
}
