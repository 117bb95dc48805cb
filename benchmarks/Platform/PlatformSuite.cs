// What the platform adds to a bare ffmpeg run of the same work, start-up of lease and pod included, and what it holds in memory while it waits.
using System.Globalization;
using Framelease.Benchmarks.Reporting;
using Framelease.Cli.Connecting;
using Framelease.Cli.Demo;

namespace Framelease.Benchmarks.Platform;

sealed class PlatformSuite(Cli.Shell shell, bool quick, Action<string> note)
{
    const string Suite = "platform";
    const double MiB = 1024 * 1024;
    static readonly TimeSpan Settle = TimeSpan.FromSeconds(5);

    readonly List<Figure> _figures = [];

    public async Task<IReadOnlyList<Figure>> RunAsync(CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("framelease-bench-").FullName;
        File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        try
        {
            await using var platform = await DemoPlatform.StartAsync(directory, keep: false, shell, ct);
            using var cluster = Cluster.Connect(platform.Kubeconfig, "default", platform.OperatorUrl, shell);
            await Task.Delay(Settle, shell.Time, ct);
            Memory("idle-memory", platform.Pid);
            var ours = new PlatformRun(cluster, platform, shell);
            await OverheadAsync(ours, directory, ct);
            await BadInputAsync(new BadInputRun(ours), directory, ct);
            await Task.Delay(Settle, shell.Time, ct);
            Memory("idle-memory-after-work", platform.Pid);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        return _figures;
    }

    async Task OverheadAsync(PlatformRun ours, string directory, CancellationToken ct)
    {
        var bare = new BareRun(shell);
        var clip = Path.Combine(directory, "clip.mp4");
        await new DemoClip(shell).MakeAsync(clip, 20, ct);
        await ours.UploadAsync(clip, "inputs/clip.mp4", ct);
        var parameters = Parameters(quick ? "veryfast" : "medium", "480");

        // Once each, unmeasured: the first run pays for cold files on either side.
        var estimate = await bare.MeasureAsync(clip, Path.Combine(directory, "bare.mp4"), parameters, ct);
        await ours.MeasureAsync("inputs/clip.mp4", parameters, ct);
        var (rivals, values) = await InTurnsAsync(bare, ours, clip, "inputs/clip.mp4", directory, parameters, quick ? 3 : 5, ct);
        var added = values.Zip(rivals, (v, r) => v - r).ToList();
        Add(new Figure(Suite, "overhead-20s-clip", Median(added) * 1000, "ms", "<= 900 ms over bare ffmpeg, median", Median(added) <= 0.9, 0, null));
        Add(new Figure(Suite, "wall-20s-clip", Median(values), "s", "see overhead-20s-clip", Median(added) <= 0.9, Median(rivals), Median(values) / Median(rivals)));

        var wanted = quick ? 8 : 20;
        var seconds = (int)Math.Clamp(Math.Ceiling(20 * wanted / Math.Min(estimate.TotalSeconds, rivals.Min())), 20, 600);
        var longer = Path.Combine(directory, "long.mp4");
        await new DemoClip(shell).MakeAsync(longer, seconds, ct);
        await ours.UploadAsync(longer, "inputs/long.mp4", ct);
        (rivals, values) = await InTurnsAsync(bare, ours, longer, "inputs/long.mp4", directory, parameters, quick ? 1 : 3, ct);
        var ratio = Median(values) / Median(rivals);
        var goal = quick ? "<= 1.08 of bare ffmpeg (bare run of about 8 s; without --quick at least 15 s)" : "<= 1.08 of bare ffmpeg, bare run of at least 15 s";
        Add(new Figure(Suite, "wall-long-clip", Median(values), "s", goal, ratio <= 1.08, Median(rivals), ratio));
    }

    // The worst of all, because a promise to users holds for each of them.
    async Task BadInputAsync(BadInputRun run, string directory, CancellationToken ct)
    {
        var worst = 0.0;
        foreach (var (what, reason, took) in await run.MeasureAsync(directory, ct))
        {
            note(string.Create(CultureInfo.InvariantCulture, $"bad input: {what}: {reason} after {took.TotalSeconds:0.00} s"));
            worst = Math.Max(worst, took.TotalSeconds);
        }

        Add(new Figure(Suite, "bad-input-answered", worst, "s", "<= 5 s from the creation of the task to its reason, the slowest kind", worst <= 5));
    }

    // Bare and ours alternate, and so does who begins, so that a machine that grows slower or faster wrongs neither.
    async Task<(List<double> Rivals, List<double> Values)> InTurnsAsync(
        BareRun bare, PlatformRun ours, string clip, string key, string directory, IReadOnlyDictionary<string, string> parameters, int runs, CancellationToken ct)
    {
        var (rivals, values) = (new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            if (run % 2 == 0)
                rivals.Add((await bare.MeasureAsync(clip, Path.Combine(directory, "bare.mp4"), parameters, ct)).TotalSeconds);
            values.Add((await ours.MeasureAsync(key, parameters, ct)).TotalSeconds);
            if (run % 2 == 1)
                rivals.Add((await bare.MeasureAsync(clip, Path.Combine(directory, "bare.mp4"), parameters, ct)).TotalSeconds);
            note(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(clip)} run {run + 1}: bare {rivals[^1]:0.00} s, platform {values[^1]:0.00} s"));
        }

        return (rivals, values);
    }

    void Memory(string name, int root)
    {
        var memory = IdleMemory.OfTree(root);
        foreach (var (process, bytes) in memory.OrderByDescending(m => m.Value))
            note(string.Create(CultureInfo.InvariantCulture, $"{name}: {process} {bytes / MiB:0.0} MiB"));
        var total = memory.Values.Sum() / MiB;
        Add(new Figure(Suite, name, total, "MiB", "<= 300 MB summed PSS without PostgreSQL", total * MiB <= 300e6));
    }

    void Add(Figure figure)
    {
        _figures.Add(figure);
        shell.Console.Out.WriteLine(figure);
        shell.Console.Out.Flush();
    }

    static Dictionary<string, string> Parameters(string preset, string height) => new(StringComparer.Ordinal)
    {
        ["codec"] = "h264", ["preset"] = preset, ["height"] = height, ["crf"] = "23",
    };

    static double Median(List<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
