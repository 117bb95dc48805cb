using System.Text;
using Framelease.Media.Running;

namespace Framelease.Media.Transcoding;

/// <summary>
/// Chooses the encoder for a codec and a device. Asks ffmpeg only where the answer is open: software H.264, H.265 and VP9 have one encoder
/// each and cost no probe. What was learned is kept for the life of the object.
/// </summary>
public sealed class EncoderSelector(FfmpegPrograms programs, TimeProvider time)
{
    static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(15);
    readonly Dictionary<string, string?> _refusals = new(StringComparer.Ordinal);
    HashSet<string>? _encoders;

    /// <param name="realGpu">True when the leased device is hardware; false for a software slot or none.</param>
    /// <param name="deviceId">The leased device, made the only visible one for the trial; null = as it is.</param>
    /// <exception cref="MediaException"><see cref="MediaFailure.EncoderMissing"/>.</exception>
    public async Task<EncoderChoice> ChooseAsync(VideoCodec codec, bool realGpu, string? deviceId, CancellationToken cancellation)
    {
        var why = "no device is leased for it, or the device is a software slot";
        if (realGpu)
        {
            if (EncoderChoice.Nvenc(codec) is not { } nvenc)
                why = $"NVENC has no encoder for {codec.ToString().ToLowerInvariant()}";
            else if (!(await EncodersAsync(cancellation)).Contains(nvenc))
                why = $"this ffmpeg was built without {nvenc}";
            else if (await RefusalAsync(nvenc, deviceId, cancellation) is { } refusal)
                why = $"a trial with {nvenc} failed on the device: {refusal}";
            else
                return new EncoderChoice(nvenc, Hardware: true, $"the leased device encodes {codec.ToString().ToLowerInvariant()}");
        }

        var candidates = EncoderChoice.Software(codec);
        if (candidates.Count == 1)
            return new EncoderChoice(candidates[0], Hardware: false, why);
        var known = await EncodersAsync(cancellation);
        return candidates.FirstOrDefault(known.Contains) is { } encoder
            ? new EncoderChoice(encoder, Hardware: false, why)
            : throw new MediaException(
                MediaFailure.EncoderMissing,
                $"This ffmpeg has no encoder for {codec.ToString().ToLowerInvariant()} (looked for {string.Join(", ", candidates)}). Install a full build of ffmpeg.");
    }

    async Task<HashSet<string>> EncodersAsync(CancellationToken cancellation)
    {
        if (_encoders is not null)
            return _encoders;
        var answer = await ProgramCapture.RunAsync(
            programs, programs.Ffmpeg, ["-hide_banner", "-loglevel", "error", "-encoders"], RunLimits.None, MaxTime, 1 << 20, time, cancellation);
        return _encoders = ParseEncoders(Encoding.UTF8.GetString(answer.Output.Span));
    }

    /// <summary>Lines " V....D libx264   description" after the line of dashes.</summary>
    internal static HashSet<string> ParseEncoders(string text) =>
        text.Split('\n')
            .SkipWhile(line => !line.Contains("------", StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(parts => parts.Length >= 2 && parts[0].Length == 6)
            .Select(parts => parts[1])
            .ToHashSet(StringComparer.Ordinal);

    // a driver that is listed but absent fails only when a session is opened, so one frame is encoded
    async Task<string?> RefusalAsync(string encoder, string? deviceId, CancellationToken cancellation)
    {
        if (_refusals.TryGetValue(encoder, out var known))
            return known;
        var trial = await ProgramCapture.RunAsync(
            programs, programs.Ffmpeg,
            [
                "-nostdin", "-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", "color=black:s=256x256:r=25:d=0.1",
                "-frames:v", "1", "-pix_fmt", "yuv420p", "-c:v", encoder, "-f", "null", "-",
            ],
            RunLimits.None, MaxTime, 4096, time, cancellation, CudaDevice.Only(deviceId));
        var refusal = trial.ExitCode == 0 ? null
            : trial.TimedOut ? $"no answer in {MaxTime.TotalSeconds:0} s"
            : FirstLine(trial.LogTail);
        return _refusals[encoder] = refusal;
    }

    static string FirstLine(string log)
    {
        var line = log.Trim().Split('\n')[0].Trim();
        return line.Length == 0 ? "no reason given" : line.Length > 160 ? line[..160] : line;
    }
}

/// <summary>Restricts CUDA to the leased device, by its stable id.</summary>
static class CudaDevice
{
    public static IReadOnlyDictionary<string, string>? Only(string? deviceId) =>
        deviceId is null ? null : new Dictionary<string, string> { ["CUDA_VISIBLE_DEVICES"] = deviceId };
}
