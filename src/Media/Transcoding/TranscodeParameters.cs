using System.Globalization;

namespace Framelease.Media.Transcoding;

public enum VideoCodec { H264, H265, Vp9, Av1 }

public enum AudioMode { Aac, Opus, Copy, None }

/// <summary>From fastest (largest output) to slowest; the names are x264's.</summary>
public enum Preset { Ultrafast, Superfast, Veryfast, Faster, Fast, Medium, Slow, Slower, Veryslow }

/// <summary>Parameters of engine <c>ffmpeg-transcode</c>, checked.</summary>
/// <param name="Codec">Default h264.</param>
/// <param name="Height">Lines of the output, 64–4320, even; 0 = as the input. The width follows.</param>
/// <param name="Crf">Constant quality, 0–51 (h264, h265) or 0–63 (vp9, av1); null = the codec's default unless a bit rate is given.</param>
/// <param name="BitrateKbps">Target, 50–200,000; null = constant quality.</param>
/// <param name="Audio">Null = what suits the container.</param>
/// <param name="Preset">Default veryfast.</param>
public sealed record TranscodeParameters(
    VideoCodec Codec, int Height, int? Crf, int? BitrateKbps, AudioMode? Audio, Preset Preset)
{
    static readonly string[] Known = ["codec", "height", "crf", "bitrateKbps", "audio", "preset"];

    /// <summary>Reads parameters in text form; absent and empty ones take their defaults.</summary>
    /// <exception cref="MediaException"><see cref="MediaFailure.ParameterInvalid"/>: names parameter, value and what is allowed.</exception>
    public static TranscodeParameters Parse(IReadOnlyDictionary<string, string> parameters)
    {
        foreach (var name in parameters.Keys)
        {
            if (!Known.Contains(name))
                throw Invalid($"Parameter '{Short(name)}' is not known. Known: {string.Join(", ", Known)}.");
        }

        var codec = Enumerated(parameters, "codec", VideoCodec.H264);
        var height = Whole(parameters, "height", 0, 4320) ?? 0;
        if (height != 0 && (height < 64 || height % 2 != 0))
            throw Invalid($"Parameter 'height' is {height}; allowed are 0 (as the input) and even numbers from 64 to 4320.");
        var crf = Whole(parameters, "crf", 0, codec is VideoCodec.H264 or VideoCodec.H265 ? 51 : 63);
        var bitrate = Whole(parameters, "bitrateKbps", 50, 200_000);
        if (crf is not null && bitrate is not null)
            throw Invalid("Parameters 'crf' and 'bitrateKbps' exclude each other: quality or size, not both. Leave one out.");
        AudioMode? audio = Text(parameters, "audio") is null ? null : Enumerated(parameters, "audio", AudioMode.Aac);
        return new TranscodeParameters(codec, height, crf, bitrate, audio, Enumerated(parameters, "preset", Preset.Veryfast));
    }

    static T Enumerated<T>(IReadOnlyDictionary<string, string> parameters, string name, T fallback)
        where T : struct, Enum
    {
        if (Text(parameters, name) is not { } text)
            return fallback;
        // names only: Enum.TryParse would also take numbers
        foreach (var value in Enum.GetValues<T>())
        {
            if (string.Equals(Enum.GetName(value), text, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        throw Invalid($"Parameter '{name}' is '{Short(text)}'; allowed: {string.Join(", ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}.");
    }

    static int? Whole(IReadOnlyDictionary<string, string> parameters, string name, int min, int max)
    {
        if (Text(parameters, name) is not { } text)
            return null;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw Invalid($"Parameter '{name}' is '{Short(text)}'; allowed are whole numbers from {min} to {max}.");
    }

    static string? Text(IReadOnlyDictionary<string, string> parameters, string name) =>
        parameters.TryGetValue(name, out var text) && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    static string Short(string text) => text.Length > 60 ? text[..60] + "…" : text;

    static MediaException Invalid(string message) => new(MediaFailure.ParameterInvalid, message);
}
