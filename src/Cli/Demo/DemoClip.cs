using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.Processes;

namespace Framelease.Cli.Demo;

/// <summary>Test clips made by ffmpeg, and what ffprobe says of a file.</summary>
sealed class DemoClip(Shell shell)
{
    /// <summary>1280×720, 30 frames a second, with a tone.</summary>
    public async Task MakeAsync(string file, int seconds, CancellationToken ct)
    {
        var duration = seconds.ToString(CultureInfo.InvariantCulture);
        var made = await Tool.RunAsync(Program("ffmpeg"),
        [
            "-nostdin", "-hide_banner", "-loglevel", "error", "-y",
            "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
            "-t", duration, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", file,
        ], ct);
        if (made.ExitCode != 0)
            throw new CliException($"ffmpeg could not make the test clip: {made.Error.Trim()}");
    }

    /// <summary>Codec, resolution and duration in one line.</summary>
    public async Task<string> FactsAsync(string file, CancellationToken ct)
    {
        var probed = await Tool.RunAsync(Program("ffprobe"), ["-v", "error", "-show_streams", "-show_format", "-of", "json", file], ct);
        if (probed.ExitCode != 0)
            throw new CliException($"{file}: ffprobe cannot read it: {probed.Error.Trim()}");
        var answer = JsonNode.Parse(probed.Output)!;
        var streams = (answer["streams"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        var video = streams.FirstOrDefault(s => (string?)s["codec_type"] == "video");
        var audio = streams.FirstOrDefault(s => (string?)s["codec_type"] == "audio");
        var seconds = double.Parse((string?)answer["format"]?["duration"] ?? "0", CultureInfo.InvariantCulture);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{video?["codec_name"]} {video?["width"]}x{video?["height"]}, {seconds:0.00} s, audio {(string?)audio?["codec_name"] ?? "none"}");
    }

    string Program(string name) => Tool.Find(name, shell.Environment) ?? throw new CliException($"{name} is not installed: apt install ffmpeg");
}
