using System.Text.Json.Nodes;
using Framelease.Cli.Manifests;
using Framelease.Cli.Processes;
using Framelease.Cli.Tasks;

namespace Framelease.Benchmarks.Platform;

/// <summary>How soon a user learns what is wrong: one task of each kind of bad input, from its creation to the reason in its status.</summary>
sealed class BadInputRun(PlatformRun platform)
{
    static readonly (string What, string Engine, string Input, string[] Parameters)[] Kinds =
    [
        ("an unknown engine", "nope", "inputs/clip.mp4", []),
        ("a parameter out of range", "ffmpeg-transcode", "inputs/clip.mp4", ["crf=64"]),
        ("a parameter of the wrong type", "ffmpeg-transcode", "inputs/clip.mp4", ["height=tall"]),
        ("an object that does not exist", "ffmpeg-transcode", "inputs/absent.mp4", []),
        ("a file outside the allowed root", "ffmpeg-transcode", "file:///etc/passwd", []),
        ("text named .mp4", "ffmpeg-transcode", "inputs/text.mp4", []),
        ("sound without a picture", "ffmpeg-transcode", "inputs/sound.mp4", []),
    ];

    public async Task<IReadOnlyList<(string What, string Reason, TimeSpan Took)>> MeasureAsync(string directory, CancellationToken ct)
    {
        await UploadAsync(Path.Combine(directory, "text.mp4"), async file => await File.WriteAllLinesAsync(file, Enumerable.Repeat("this is no video", 1000), ct), ct);
        await UploadAsync(
            Path.Combine(directory, "sound.mp4"),
            file => Tool.RunAsync("/usr/bin/env", ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=440", "-t", "2", "-c:a", "aac", file], ct),
            ct);
        var measured = new List<(string, string, TimeSpan)>();
        foreach (var (what, engine, input, parameters) in Kinds)
        {
            var manifest = TaskManifest.Build(engine, input, parameters, $"bad-{measured.Count + 1}", null, Guid.Empty);
            var (reason, took) = await platform.UntilAsync(manifest, Reason, ct);
            measured.Add((what, reason, took));
        }

        return measured;
    }

    async Task UploadAsync(string file, Func<string, Task> make, CancellationToken ct)
    {
        await make(file);
        await platform.UploadAsync(file, $"inputs/{Path.GetFileName(file)}", ct);
    }

    // Either it is refused, or it has failed; whichever the user sees first is the answer.
    static string? Reason(JsonObject task) =>
        TaskView.Of(task) is { Finished: true, Succeeded: false } view ? view.Reason
        : (task["status"]?["conditions"] as JsonArray)?.OfType<JsonObject>()
            .FirstOrDefault(c => (string?)c["type"] == "Accepted" && (string?)c["status"] == "False") is { } refused ? (string?)refused["reason"]
        : null;
}
