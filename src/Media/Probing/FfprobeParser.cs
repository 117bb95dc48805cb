using System.Globalization;
using System.Text.Json;

namespace Framelease.Media.Probing;

/// <summary>Reads ffprobe's JSON. Pure, and tolerant of absent fields: versions and formats differ in what they know.</summary>
static class FfprobeParser
{
    const int MaxStreams = 256;

    /// <exception cref="MediaException">No video stream, no stream at all, or not ffprobe's JSON.</exception>
    public static MediaInfo Parse(ReadOnlyMemory<byte> json, string shownName)
    {
        using var document = Read(json, shownName);
        var format = document.RootElement.TryGetProperty("format", out var f) ? f : default;
        var container = Container(Text(format, "format_name"), shownName);
        var duration = Seconds(Text(format, "duration"));
        List<VideoStream> video = [];
        List<AudioStream> audio = [];
        if (document.RootElement.TryGetProperty("streams", out var streams) && streams.ValueKind == JsonValueKind.Array)
        {
            foreach (var stream in streams.EnumerateArray().Take(MaxStreams))
            {
                switch (Text(stream, "codec_type"))
                {
                    case "video" when !IsPicture(stream) && Number(stream, "width") > 0:
                        video.Add(Video(stream, duration));
                        break;
                    case "audio":
                        audio.Add(new AudioStream(
                            (int)Number(stream, "index"), Text(stream, "codec_name") ?? "unknown", (int)Number(stream, "channels"),
                            (int)Number(stream, "sample_rate"), Number(stream, "bit_rate")));
                        break;
                }
            }
        }

        if (video.Count == 0)
        {
            throw new MediaException(MediaFailure.NoVideo, audio.Count > 0
                ? $"{shownName} holds sound ({audio[0].Codec}) but no video stream. Give a file with video."
                : $"{shownName} was read as '{container}' but holds no video stream. Give a file with video.");
        }

        return new MediaInfo(container, duration, Number(format, "size"), Number(format, "bit_rate"), video, audio);
    }

    static JsonDocument Read(ReadOnlyMemory<byte> json, string shownName)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
        }
        catch (JsonException e)
        {
            throw new MediaException(MediaFailure.Unreadable, $"ffprobe's answer about {shownName} could not be read: {e.Message}", inner: e);
        }
    }

    static VideoStream Video(JsonElement stream, TimeSpan? whole)
    {
        var rate = Ratio(Text(stream, "avg_frame_rate"));
        if (rate <= 0)
            rate = Ratio(Text(stream, "r_frame_rate"));
        var duration = Seconds(Text(stream, "duration"));
        var counted = Number(stream, "nb_frames");
        var length = duration ?? whole;
        var frames = counted > 0 ? counted : length is { } d ? (long)Math.Min(Math.Round(d.TotalSeconds * rate), 1e12) : 0;
        return new VideoStream(
            (int)Number(stream, "index"), Text(stream, "codec_name") ?? "unknown", (int)Number(stream, "width"), (int)Number(stream, "height"),
            Rotation(stream), rate, frames, counted > 0, duration, Text(stream, "pix_fmt") ?? "");
    }

    // cover art of music files is a "video" stream with one picture
    static bool IsPicture(JsonElement stream) =>
        stream.TryGetProperty("disposition", out var d) && (Number(d, "attached_pic") == 1 || Number(d, "timed_thumbnails") == 1);

    static int Rotation(JsonElement stream)
    {
        double degrees = 0; // counter-clockwise in the display matrix, clockwise in the older tag
        if (stream.TryGetProperty("side_data_list", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            foreach (var data in list.EnumerateArray())
            {
                if (data.TryGetProperty("rotation", out var r) && r.ValueKind == JsonValueKind.Number)
                    degrees = -r.GetDouble();
            }
        }

        if (degrees == 0 && stream.TryGetProperty("tags", out var tags))
            degrees = Real(Text(tags, "rotate"));
        if (!double.IsFinite(degrees))
            return 0;
        var turned = (int)(Math.Round(degrees / 90) * 90 % 360);
        return turned < 0 ? turned + 360 : turned;
    }

    // "mov,mp4,m4a,3gp,3g2,mj2" and "matroska,webm" are families of one demuxer; what is shown is the member that the name hints at
    static string Container(string? names, string shownName)
    {
        var all = (names ?? "unknown").Split(',');
        var extension = Path.GetExtension(shownName).TrimStart('.').ToLowerInvariant();
        return all.Length == 1 ? all[0]
            : all.Contains(extension) ? extension
            : all.Contains("mp4") ? "mp4" : all[0];
    }

    static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
            : null;

    static long Number(JsonElement element, string name) =>
        long.TryParse(Text(element, name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : 0;

    static double Real(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : 0;

    static TimeSpan? Seconds(string? text) =>
        Real(text) is var seconds and > 0 and < 1e9 ? TimeSpan.FromSeconds(seconds) : null;

    static double Ratio(string? text)
    {
        var parts = (text ?? "").Split('/');
        var value = parts.Length == 2 ? Real(parts[0]) / Real(parts[1]) : Real(text);
        return double.IsFinite(value) && value is > 0 and <= 100_000 ? value : 0;
    }
}
