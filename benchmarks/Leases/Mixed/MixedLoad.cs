using System.Diagnostics;
using System.Globalization;
using Framelease.Cli.Manifests;
using Framelease.Cli.Tasks;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.Benchmarks.Leases.Mixed;

/// <summary>
/// Arrivals at random times (exponential gaps, seeded) at a pool of <see cref="Slots"/> slots, so many that 70 % of it is in use: three in
/// four are commands under <c>framelease lease run</c>, one is a VideoTask with real ffmpeg. Some of the commands are killed half-way
/// together with their runner, so that nobody is left to say that the lease is over.
/// </summary>
sealed class MixedLoad(MixedPlatform platform, Cli.Shell shell, Random chance)
{
    public const int Slots = 8;
    const double Utilisation = 0.7, MeanHold = 6, TaskShare = 0.25, TaskHold = 2, DeadShare = 0.1;

    /// <summary>Seconds.</summary>
    public const int HeartbeatInterval = 2, SilentAfter = 10, MaxWait = 60;

    static readonly TimeSpan Gap = TimeSpan.FromSeconds(
        ((1 - TaskShare) * MeanHold + TaskShare * TaskHold) / (Utilisation * Slots));

    readonly List<Task> _holders = [];
    readonly List<string> _tasks = [];

    /// <summary>When each killed holder died, by the name of its lease.</summary>
    public Dictionary<string, DateTime> Killed { get; } = new(StringComparer.Ordinal);

    /// <summary>Holders that were not killed and ended otherwise than with their command's own exit code.</summary>
    public List<string> Disturbed { get; } = [];

    public int Tasks => _tasks.Count;

    /// <param name="kill">Whether holders are killed.</param>
    public async Task RunAsync(TimeSpan duration, bool kill, CancellationToken ct)
    {
        var started = shell.Time.GetTimestamp();
        while (shell.Time.GetElapsedTime(started) < duration)
        {
            await Task.Delay(-Math.Log(1 - chance.NextDouble()) * Gap, shell.Time, ct);
            var number = _holders.Count + _tasks.Count;
            if (chance.NextDouble() < TaskShare)
                await SubmitAsync(string.Create(CultureInfo.InvariantCulture, $"task-{number}"), ct);
            else
            {
                var hold = TimeSpan.FromSeconds(Math.Clamp(-Math.Log(1 - chance.NextDouble()) * MeanHold, 0.5, 30));
                var dies = chance.NextDouble() < DeadShare;
                _holders.Add(HoldAsync(string.Create(CultureInfo.InvariantCulture, $"load-{number}"), hold, kill && dies, ct));
            }
        }
    }

    /// <returns>How many tasks succeeded.</returns>
    public async Task<int> EndAsync(CancellationToken ct)
    {
        await Task.WhenAll(_holders);
        var since = shell.Time.GetTimestamp();
        while (true)
        {
            var views = (await platform.Cluster.Client.ListAsync(ResourceRef.Of<VideoTask>(), "default", ct: ct)).Items.Select(TaskView.Of).ToList();
            var pool = await platform.Cluster.Client.GetAsync<GpuPool>("default", null, ct);
            if ((views.All(v => v.Finished) && pool.Status?.FreeSlots == Slots) || shell.Time.GetElapsedTime(since) > TimeSpan.FromMinutes(2))
                return views.Count(v => v.Succeeded);
            await Task.Delay(TimeSpan.FromSeconds(0.5), shell.Time, ct);
        }
    }

    async Task SubmitAsync(string name, CancellationToken ct)
    {
        var manifest = TaskManifest.Build("ffmpeg-transcode", "inputs/clip.mp4", ["codec=h264", "preset=ultrafast"], name, null, Guid.Empty);
        manifest["metadata"]!["namespace"] = "default";
        await platform.Cluster.Client.CreateAsync(ResourceRef.Of<VideoTask>(), manifest, ct);
        _tasks.Add(name);
    }

    async Task HoldAsync(string name, TimeSpan hold, bool dies, CancellationToken ct)
    {
        var seconds = hold.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        using var run = platform.RunLease(
            name, ["--max-wait", MaxWait.ToString(CultureInfo.InvariantCulture)], ["/bin/sh", "-c", $"echo started; exec sleep {seconds}"]);
        var errors = run.StandardError.ReadToEndAsync(ct);
        if (await run.StandardOutput.ReadLineAsync(ct) is "started" && dies)
        {
            await Task.Delay(hold / 2, shell.Time, ct);
            Kill(run, name);
        }

        await run.WaitForExitAsync(ct);
        if (!dies && run.ExitCode != 0)
            Disturbed.Add($"{name}: exit code {run.ExitCode}: {(await errors).Trim().Split('\n')[^1]}");
    }

    void Kill(Process run, string name)
    {
        Killed[name] = shell.Time.GetUtcNow().UtcDateTime;
        run.Kill(entireProcessTree: true);
    }
}
