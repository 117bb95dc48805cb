// Everything at once, as a day of users would have it: waits, successes, dead holders, the monitoring API, and replicas that are killed.
using Framelease.Cli.Demo;
using static System.FormattableString;

namespace Framelease.Benchmarks.Leases.Mixed;

/// <param name="add">Takes name, value, unit, goal and whether it is met.</param>
sealed class MixedSuite(Cli.Shell shell, bool quick, Action<string> note, Action<string, double, string, string, bool?> add)
{
    const int Seed = 7;

    public async Task MixedAsync(string directory, CancellationToken ct)
    {
        var (calm, rough) = quick ? (TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(20)) : (TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(2));
        await using var platform = await StartAsync(directory, MixedLoad.Slots, 2, ct);
        var heartbeats = new { heartbeatIntervalSeconds = MixedLoad.HeartbeatInterval, heartbeatTimeoutSeconds = MixedLoad.SilentAfter };
        await platform.PatchPoolAsync(heartbeats, ct);
        platform.StartSecond();
        await Task.Delay(TimeSpan.FromSeconds(5), shell.Time, ct); // both replicas serve before anybody counts
        var load = new MixedLoad(platform, shell, new Random(Seed));

        using var probe = new ApiProbe(platform, shell);
        await WithAsync(probe.RunAsync, () => load.RunAsync(calm, kill: true, ct));
        var answers = Latencies.Of(probe.Answered);
        await Task.Delay(TimeSpan.FromSeconds(2 * MixedLoad.SilentAfter), shell.Time, ct); // who died last is found before replicas die

        using var beside = new ApiProbe(platform, shell);
        await WithAsync(
            beside.RunAsync, () => WithAsync(stop => KillReplicasAsync(platform, stop), () => load.RunAsync(rough, kill: false, ct)));
        var succeeded = await load.EndAsync(ct);
        var stories = await LeaseLog.ReadAsync(platform.Postgres, ct);
        note(Invariant($"seed {Seed}: {stories.Count} leases, {load.Tasks} tasks of which {succeeded} succeeded, {load.Killed.Count} holders killed"));
        load.Disturbed.ForEach(d => note($"disturbed: {d}"));

        Waits(stories, load, calm);
        Deaths(stories, load);
        add("mixed-api-p95", answers.P95, "ms", "<= 50 ms, four monitoring routes in turn, calm part", answers.P95 <= 50);
        add(
            "mixed-availability", beside.Availability * 100, "%",
            Invariant($">= 99.9 % of {beside.Answered.Count + beside.Lost} questions answered while the two replicas are killed in turn, one at a time"),
            beside.Availability >= 0.999);
        var overlaps = await LeaseLog.CountOverlapsAsync(platform.Postgres, ct);
        add("mixed-overlaps", overlaps, "pairs", "0 leases that had one slot at once", overlaps == 0);
    }

    /// <summary>One slot, a queue of tasks: how soon the worker of the next speaks after the slot is free.</summary>
    public async Task WorkerStartAsync(string directory, CancellationToken ct)
    {
        await using var platform = await StartAsync(directory, 1, 1, ct);
        var ours = new Platform.PlatformRun(platform.Cluster, platform.Up, shell);
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal) { ["codec"] = "h264", ["preset"] = "ultrafast" };
        await Task.WhenAll(Enumerable.Range(0, quick ? 8 : 30).Select(_ => ours.MeasureAsync("inputs/clip.mp4", parameters, ct)));
        var starts = Latencies.Of((await LeaseLog.FreedToAttachedAsync(platform.Postgres, ct)).Skip(2)); // the first ones find cold files
        note(Invariant($"freed to attached: p50 {starts.P50:0} ms, p99 {starts.P99:0} ms, most {starts.Most:0} ms of {starts.Count}"));
        add(
            "release-to-worker-p50", starts.P50, "ms", "<= 800 ms from the commit that frees the slot to the attach of the next worker, a new process",
            starts.P50 <= 800);
    }

    void Waits(IReadOnlyList<LeaseStory> stories, MixedLoad load, TimeSpan calm)
    {
        var first = stories[0].Requested;
        var inUse = stories.Where(s => s.Granted < first + calm).Sum(s => (Least(s.Freed ?? s.Ended, first + calm) - s.Granted!.Value).TotalSeconds);
        note(Invariant($"slots in use in the calm part: {inUse / (MixedLoad.Slots * calm.TotalSeconds):0.0 %}"));
        var granted = stories.Count(s => s.Granted is not null) / (double)stories.Count;
        add("mixed-acquired", granted * 100, "%", Invariant($"> 95 % of all leases are granted within {MixedLoad.MaxWait} s"), granted > 0.95);
        var waits = stories.Where(s => s.Granted is not null).Select(s => s.Granted!.Value - s.Requested).ToList();
        var mean = waits.Average(w => w.TotalSeconds);
        add("mixed-mean-wait", mean, "s", "< 30 s", mean < 30);
        note(Invariant($"waits: p50 {Latencies.Of(waits).P50:0} ms, p99 {Latencies.Of(waits).P99:0} ms"));
        var timedOut = stories.Count(s => s.TimedOut || s.GaveUp) / (double)stories.Count;
        add("mixed-timeouts", timedOut * 100, "%", "< 5 % of all leases", timedOut < 0.05);
        var falsely = stories.Count(s => s.Expired is not null && !load.Killed.ContainsKey(s.Name)) + load.Disturbed.Count;
        add("mixed-false-expiries", falsely, "leases", "0 of holders that lived, killed replicas included", falsely == 0);
    }

    void Deaths(IReadOnlyList<LeaseStory> stories, MixedLoad load)
    {
        var dead = stories.Where(s => load.Killed.ContainsKey(s.Name)).ToList();
        if (dead.Count == 0)
            return;
        var found = dead.Where(s => s.Expired is not null).ToList();
        var after = Latencies.Of(found.Select(s => s.Expired!.Value - load.Killed[s.Name]));
        add("mixed-dead-found", 100.0 * found.Count / dead.Count, "%", Invariant($"> 99 % of {dead.Count} killed holders"), found.Count > 0.99 * dead.Count);
        var soon = found.Count(s => s.Expired!.Value - load.Killed[s.Name] <= TimeSpan.FromSeconds(MixedLoad.SilentAfter + 1));
        add(
            "mixed-dead-found-in-time", 100.0 * soon / dead.Count, "%",
            Invariant($"> 98 % within {MixedLoad.SilentAfter} s timeout + 1 s; the latest after {after.Most / 1000:0.00} s"), soon > 0.98 * dead.Count);
        var freed = dead.Where(s => s.Freed is not null).ToList();
        add("mixed-recovered", 100.0 * freed.Count / dead.Count, "%", "> 95 % of their slots, by proof", freed.Count > 0.95 * dead.Count);
        if (freed.Count == 0)
            return;
        var recovery = freed.Max(s => (s.Freed!.Value - load.Killed[s.Name]).TotalSeconds);
        add("mixed-recovery", recovery, "s", "< 60 s from death to a free slot, the latest", recovery < 60);
        var proof = Latencies.Of(freed.Select(s => s.Freed!.Value - s.Quarantined!.Value));
        add(
            "mixed-usable-after-proof", proof.Most / 1000, "s", "<= 2 s from quarantine to a free slot, nothing of the holder being left; the latest",
            proof.Most <= 2000);
    }

    async Task<MixedPlatform> StartAsync(string directory, int slots, int seconds, CancellationToken ct)
    {
        var platform = await MixedPlatform.StartAsync(directory, slots, shell, ct);
        var clip = Path.Combine(directory, "clip.mp4");
        await new DemoClip(shell).MakeAsync(clip, seconds, ct);
        await Cli.Commands.UploadCommand.PutAsync(platform.Up.ObjectStore, clip, "inputs/clip.mp4", shell, ct);
        return platform;
    }

    async Task KillReplicasAsync(MixedPlatform platform, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(quick ? 7 : 15), shell.Time);
        try
        {
            for (var i = 0; await timer.WaitForNextTickAsync(stop); i++)
            {
                // One at a time, as a cluster's disruption budget has it: what two deaths at once cost is their start, and no question of ours.
                await platform.AllReadyAsync(stop);
                if (i % 2 == 0)
                    platform.KillFirst();
                else
                    await platform.ReplaceSecondAsync(CancellationToken.None);
                note(i % 2 == 0 ? "killed the first replica" : "killed the second replica");
            }
        }
        catch (OperationCanceledException)
        {
            // the load is over
        }
    }

    static async Task WithAsync(Func<CancellationToken, Task> beside, Func<Task> work)
    {
        using var stop = new CancellationTokenSource();
        var running = beside(stop.Token);
        try
        {
            await work();
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
    }

    static DateTime Least(DateTime? one, DateTime other) => one is { } o && o < other ? o : other;
}
