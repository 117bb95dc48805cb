using Framelease.Media;
using Framelease.Media.Probing;
using Framelease.Media.Running;

namespace Framelease.GpuWorker.Engines;

/// <summary>
/// ffmpeg ends with success on an input that breaks off. When it complained while reading and the output is clearly shorter than promised,
/// the output is not what was asked for. A lying duration alone, without complaints, is forgiven.
/// </summary>
static class TruncatedInput
{
    static readonly string[] Complaints =
    [
        "partial file", "Invalid data found", "error reading", "Error while decoding", "ended prematurely", "corrupt", "Invalid NAL", "error while decoding",
        "truncat", "Packet corrupt", "Input/output error",
    ];

    public static void Refuse(string name, MediaInfo media, FfmpegResult result)
    {
        var promised = media.Video[0].Duration ?? media.Duration;
        var written = result.Last.OutTime;
        if (promised is not { } length || written >= length * 0.95 || length - written < TimeSpan.FromSeconds(0.5))
            return;
        if (!Complaints.Any(c => result.LogTail.Contains(c, StringComparison.OrdinalIgnoreCase)))
            return;
        throw new MediaException(
            MediaFailure.Unreadable,
            $"{name} promises {length.TotalSeconds:0.0} s, but only {written.TotalSeconds:0.0} s could be decoded: the file is cut off or damaged. Upload it again.",
            result.LogTail);
    }
}
