using Framelease.Media.Probing;
using Framelease.Media.Running;

namespace Framelease.Media.Transcoding;

public enum OutputContainer { Mp4, WebM }

/// <summary>Everything that decides the argument list, besides the files.</summary>
/// <param name="Container">Null = what suits the codec: WebM for vp9, else MP4.</param>
/// <param name="Threads">0 = the encoder's own default.</param>
/// <param name="DeviceId">The leased device when it is real hardware; else null.</param>
public sealed record TranscodeRequest(
    TranscodeParameters Parameters, EncoderChoice Encoder, OutputContainer? Container, RunLimits Limits, int Threads, string? DeviceId);

/// <summary>What will run, and what was decided on the way.</summary>
/// <param name="Notes">Decisions worth a line in the log, for example audio that could not be copied.</param>
public sealed record TranscodePlan(FfmpegCommand Command, OutputContainer Container, IReadOnlyList<string> Notes)
{
    /// <summary>The container that a codec goes into when nobody says otherwise.</summary>
    public static OutputContainer DefaultContainer(VideoCodec codec) => codec == VideoCodec.Vp9 ? OutputContainer.WebM : OutputContainer.Mp4;

    /// <exception cref="MediaException"><see cref="MediaFailure.ParameterInvalid"/>: codec and container do not fit.</exception>
    public static TranscodePlan Build(TranscodeRequest request, MediaInfo media, string input, string output)
    {
        var container = request.Container ?? DefaultContainer(request.Parameters.Codec);
        if (container == OutputContainer.WebM && request.Parameters.Codec is VideoCodec.H264 or VideoCodec.H265)
        {
            throw new MediaException(
                MediaFailure.ParameterInvalid,
                $"Codec {request.Parameters.Codec.ToString().ToLowerInvariant()} cannot go into WebM. Use vp9 or av1 for WebM, or MP4 as the output.");
        }

        List<string> notes = [];
        var limits = request.Limits;
        if (request.Encoder.Hardware && limits.MemoryBytes > 0)
        {
            limits = limits with { MemoryBytes = 0 };
            notes.Add("the memory limit is left to the container: CUDA maps far more than it uses");
        }

        List<string> options =
        [
            "-map", $"0:{media.Video[0].Index}",
            .. Scale(request.Parameters.Height, media.Video[0]),
            .. VideoEncoding.Options(request),
            .. AudioEncoding.Options(request.Parameters.Audio, container, media.Audio, notes),
            "-sn", "-dn", "-map_chapters", "-1",
            .. container == OutputContainer.Mp4 ? (string[])["-movflags", "+faststart", "-f", "mp4"] : ["-f", "webm"],
        ];
        var command = new FfmpegCommand(input, options, output, limits, CudaDevice.Only(request.DeviceId));
        return new TranscodePlan(command, container, notes);
    }

    // 4:2:0 needs even sides; the filter sees the picture after rotation
    static string[] Scale(int height, VideoStream video)
    {
        if (height > 0 && height != video.DisplayHeight)
            return ["-vf", $"scale=-2:{height}"];
        return video.DisplayWidth % 2 == 0 && video.DisplayHeight % 2 == 0 ? [] : ["-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2"];
    }
}
