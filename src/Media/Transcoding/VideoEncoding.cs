namespace Framelease.Media.Transcoding;

/// <summary>Options per video encoder: quality or bit rate, preset, threads.</summary>
static class VideoEncoding
{
    public static IEnumerable<string> Options(TranscodeRequest request)
    {
        var encoder = request.Encoder.Encoder;
        List<string> options = ["-c:v", encoder, .. Speed(encoder, request.Parameters.Preset), .. Rate(encoder, request.Parameters)];
        if (request.Threads > 0)
            options.AddRange(["-threads", $"{request.Threads}"]);
        options.AddRange(["-pix_fmt", "yuv420p"]);
        // the tag that players of Apple look for
        if (request.Parameters.Codec == VideoCodec.H265)
            options.AddRange(["-tag:v", "hvc1"]);
        return options;
    }

    static string[] Speed(string encoder, Preset preset) => encoder switch
    {
        "libx264" or "libx265" => ["-preset", preset.ToString().ToLowerInvariant()],
        "libvpx-vp9" => ["-deadline", preset >= Preset.Slower ? "best" : "good", "-cpu-used", $"{Math.Clamp(8 - (int)preset, 0, 8)}", "-row-mt", "1"],
        "libsvtav1" => ["-preset", $"{Math.Clamp(12 - (int)preset, 4, 12)}"],
        "libaom-av1" => ["-cpu-used", $"{Math.Clamp(8 - (int)preset, 1, 8)}", "-row-mt", "1"],
        _ => ["-preset", $"p{Math.Clamp((int)preset, 1, 7)}"], // NVENC
    };

    static string[] Rate(string encoder, TranscodeParameters parameters)
    {
        if (parameters.BitrateKbps is { } kbps)
            return [.. encoder.EndsWith("_nvenc", StringComparison.Ordinal) ? (string[])["-rc", "vbr"] : [], "-b:v", $"{kbps}k"];
        var crf = parameters.Crf ?? DefaultCrf(parameters.Codec);
        return encoder switch
        {
            "libx264" or "libx265" or "libsvtav1" => ["-crf", $"{crf}"],
            "libvpx-vp9" or "libaom-av1" => ["-crf", $"{crf}", "-b:v", "0"],
            _ => ["-rc", "vbr", "-cq", $"{crf}", "-b:v", "0"],
        };
    }

    // each codec's own scale; about the same look
    static int DefaultCrf(VideoCodec codec) => codec switch
    {
        VideoCodec.H264 => 23,
        VideoCodec.H265 => 28,
        VideoCodec.Vp9 => 32,
        _ => 35,
    };
}
