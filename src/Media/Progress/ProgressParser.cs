using System.Globalization;

namespace Framelease.Media.Progress;

/// <summary>
/// Streaming parser of <c>-progress pipe:1</c>: lines <c>key=value</c>, a block ends with <c>progress=continue</c> or <c>progress=end</c>.
/// Unknown keys, N/A and broken lines are passed over: versions differ, and progress must never stop the work.
/// </summary>
public sealed class ProgressParser
{
    FfmpegProgress _current = FfmpegProgress.None;

    /// <summary>Takes one line without its line end.</summary>
    /// <returns>The block that this line completes, else null.</returns>
    public FfmpegProgress? Feed(ReadOnlySpan<char> line)
    {
        var at = line.IndexOf('=');
        if (at <= 0)
            return null;
        var value = line[(at + 1)..].Trim();
        switch (line[..at].Trim())
        {
            case "frame": _current = _current with { Frame = Whole(value, _current.Frame) }; break;
            case "fps": _current = _current with { Fps = Real(value) }; break;
            case "total_size": _current = _current with { TotalSize = Whole(value, _current.TotalSize) }; break;
            case "drop_frames": _current = _current with { DroppedFrames = Whole(value, _current.DroppedFrames) }; break;
            case "dup_frames": _current = _current with { DuplicatedFrames = Whole(value, _current.DuplicatedFrames) }; break;
            case "speed": _current = _current with { Speed = Real(value.TrimEnd('x')) }; break;
            // out_time_ms also holds microseconds (an old mistake that ffmpeg keeps), so it is not read
            case "out_time_us": _current = _current with { OutTime = Microseconds(value) }; break;
            case "progress":
                _current = _current with { End = value is "end" };
                return _current;
        }
        return null;
    }

    static long Whole(ReadOnlySpan<char> text, long fallback) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= 0 ? value : fallback;

    static double Real(ReadOnlySpan<char> text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) && value > 0 ? value : 0;

    // before the first packet ffmpeg prints the smallest 64-bit number
    TimeSpan Microseconds(ReadOnlySpan<char> text) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value >= 0 && value < long.MaxValue / 10
            ? TimeSpan.FromMicroseconds(value)
            : _current.OutTime;
}
