namespace Framelease.Media.Transcoding;

/// <summary>Which encoder runs, and why that one; both are shown in the task's status.</summary>
/// <param name="Encoder">ffmpeg's name, for example <c>libx264</c> or <c>h264_nvenc</c>.</param>
/// <param name="Hardware">True when the device encodes.</param>
public sealed record EncoderChoice(string Encoder, bool Hardware, string Why)
{
    internal static string? Nvenc(VideoCodec codec) => codec switch
    {
        VideoCodec.H264 => "h264_nvenc",
        VideoCodec.H265 => "hevc_nvenc",
        VideoCodec.Av1 => "av1_nvenc",
        _ => null,
    };

    // in order of preference; the first is in every full build of ffmpeg
    internal static IReadOnlyList<string> Software(VideoCodec codec) => codec switch
    {
        VideoCodec.H264 => ["libx264"],
        VideoCodec.H265 => ["libx265"],
        VideoCodec.Vp9 => ["libvpx-vp9"],
        _ => ["libsvtav1", "libaom-av1"],
    };
}
