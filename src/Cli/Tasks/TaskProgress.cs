using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Connecting;
using Framelease.Cli.Terminal;

namespace Framelease.Cli.Tasks;

/// <summary>The latest beat of a task's worker. It lives in the operator, not in the task's status (heartbeats stay out of etcd).</summary>
sealed record TaskProgress(int Attempt, string Phase, long Frames, long TotalFrames, long FpsMillis, long SpeedMillis, int PerMille, string? Message, double AgeSeconds)
{
    /// <summary>Null while no attempt has reported.</summary>
    /// <param name="scenes">How many the task has; their progress is added up.</param>
    public static async Task<TaskProgress?> FindAsync(OperatorApi api, string uid, int scenes, CancellationToken ct)
    {
        var answer = await api.FindAsync($"/api/v1/tasks/{uid}/progress", ct);
        var latest = (answer?["items"] as JsonArray ?? []).OfType<JsonObject>().GroupBy(row => (int?)row["scene"] ?? 0)
            .Select(rows => rows.Select(Of).MaxBy(row => row.Attempt)!).ToList();
        return latest is [] or [_] && scenes == 1 ? latest.FirstOrDefault() : Sum(latest, scenes);
    }

    static TaskProgress? Sum(List<TaskProgress> parts, int scenes) => parts.Count == 0 ? null : parts[0] with
    {
        Attempt = parts.Max(p => p.Attempt),
        Frames = parts.Sum(p => p.Frames),
        // What has not begun is taken to be as long as the others.
        TotalFrames = parts.Sum(p => p.TotalFrames) * scenes / parts.Count,
        FpsMillis = parts.Where(p => p.PerMille < 1000).Sum(p => p.FpsMillis),
        PerMille = parts.Sum(p => p.PerMille) / scenes,
        AgeSeconds = parts.Min(p => p.AgeSeconds),
    };

    public static TaskProgress Of(JsonObject row) => new(
        (int?)row["attempt"] ?? 0, (string?)row["phase"] ?? "", (long?)row["frames"] ?? 0, (long?)row["totalFrames"] ?? 0, (long?)row["fpsMillis"] ?? 0,
        (long?)row["speedMillis"] ?? 0, (int?)row["perMille"] ?? 0, (string?)row["message"], (double?)row["ageSeconds"] ?? 0);

    /// <summary>Seconds that the engine still needs at its present pace; null when unknown.</summary>
    public double? EtaSeconds => FpsMillis > 0 && TotalFrames > Frames ? (TotalFrames - Frames) * 1000.0 / FpsMillis : null;

    public string Describe()
    {
        var parts = new List<string>(4);
        if (Frames > 0)
            parts.Add(TotalFrames > 0 ? $"frame {Frames}/{TotalFrames}" : $"frame {Frames}");
        if (FpsMillis > 0)
            parts.Add($"{Format.Thousandths(FpsMillis)} fps");
        if (EtaSeconds is { } eta)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"ETA {Math.Ceiling(eta):0} s"));
        if (parts.Count == 0 || Phase is not "Running")
            parts.Insert(0, Phase.ToLowerInvariant());
        return string.Join(", ", parts);
    }
}
