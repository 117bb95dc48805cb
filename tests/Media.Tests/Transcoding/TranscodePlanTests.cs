using Framelease.Media.Probing;
using Framelease.Media.Running;
using Framelease.Media.Transcoding;

namespace Framelease.Media.Tests.Transcoding;

public class TranscodePlanTests
{
    const string Head = "-nostdin -hide_banner -loglevel warning -nostats -progress pipe:1 -y -protocol_whitelist file,pipe -format_whitelist * -i file:/in ";

    static MediaInfo Media(int width = 1280, int height = 720, int rotation = 0, string? audio = "aac", int channels = 2) => new(
        "mp4", TimeSpan.FromSeconds(2), 1000, 0,
        [new VideoStream(0, "h264", width, height, rotation, 25, 50, true, null, "yuv420p")],
        audio is null ? [] : [new AudioStream(1, audio, channels, 48000, 0)]);

    static TranscodePlan Build(
        string parameters, string encoder = "libx264", MediaInfo? media = null, OutputContainer? container = null, RunLimits? limits = null,
        int threads = 0, string? device = null) =>
        TranscodePlan.Build(
            new TranscodeRequest(
                TranscodeParameters.Parse(parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(p => p.Split('=')[0], p => p.Split('=')[1])),
                new EncoderChoice(encoder, encoder.EndsWith("nvenc", StringComparison.Ordinal), "test"), container, limits ?? RunLimits.None, threads, device),
            media ?? Media(), "/in", "/out");

    [Theory]
    [InlineData("", "libx264",
        "-map 0:0 -c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -map 0:1 -c:a aac -b:a 160k -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    [InlineData("codec=h265 height=480 preset=slow bitrateKbps=900 audio=copy", "libx265",
        "-map 0:0 -vf scale=-2:480 -c:v libx265 -preset slow -b:v 900k -pix_fmt yuv420p -tag:v hvc1 -map 0:1 -c:a copy -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    [InlineData("codec=vp9 crf=40 audio=none", "libvpx-vp9",
        "-map 0:0 -c:v libvpx-vp9 -deadline good -cpu-used 6 -row-mt 1 -crf 40 -b:v 0 -pix_fmt yuv420p -an -sn -dn -map_chapters -1 -f webm file:/out")]
    [InlineData("codec=vp9 audio=aac", "libvpx-vp9",
        "-map 0:0 -c:v libvpx-vp9 -deadline good -cpu-used 6 -row-mt 1 -crf 32 -b:v 0 -pix_fmt yuv420p -map 0:1 -c:a libopus -b:a 128k -sn -dn -map_chapters -1 -f webm file:/out")]
    [InlineData("codec=av1 preset=medium", "libsvtav1",
        "-map 0:0 -c:v libsvtav1 -preset 7 -crf 35 -pix_fmt yuv420p -map 0:1 -c:a aac -b:a 160k -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    [InlineData("codec=av1", "libaom-av1",
        "-map 0:0 -c:v libaom-av1 -cpu-used 6 -row-mt 1 -crf 35 -b:v 0 -pix_fmt yuv420p -map 0:1 -c:a aac -b:a 160k -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    [InlineData("height=720 crf=20", "h264_nvenc",
        "-map 0:0 -c:v h264_nvenc -preset p2 -rc vbr -cq 20 -b:v 0 -pix_fmt yuv420p -map 0:1 -c:a aac -b:a 160k -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    [InlineData("bitrateKbps=2000 preset=veryslow", "h264_nvenc",
        "-map 0:0 -c:v h264_nvenc -preset p7 -rc vbr -b:v 2000k -pix_fmt yuv420p -map 0:1 -c:a aac -b:a 160k -sn -dn -map_chapters -1 -movflags +faststart -f mp4 file:/out")]
    public void The_argument_list_is(string parameters, string encoder, string golden) =>
        Line(Build(parameters, encoder)).ShouldBe(Head + golden);

    // the list of formats is long and has its own tests
    static string Line(TranscodePlan plan)
    {
        var arguments = plan.Command.ToArguments().ToList();
        arguments[arguments.IndexOf("-format_whitelist") + 1] = "*";
        return string.Join(' ', arguments);
    }

    [Fact]
    public void Limits_threads_and_device_are_passed_on()
    {
        var plan = Build("", limits: new RunLimits(60, 1 << 30, 5000), threads: 2, device: "GPU-1");
        Line(plan).ShouldContain("-threads 2 ");
        Line(plan).ShouldEndWith("-fs 5000 file:/out");
        plan.Command.Environment!["CUDA_VISIBLE_DEVICES"].ShouldBe("GPU-1");
    }

    [Fact]
    public void A_hardware_encoder_runs_without_the_memory_limit_and_says_so()
    {
        var plan = Build("", "h264_nvenc", limits: new RunLimits(60, 1 << 30, 0));
        plan.Command.Limits.MemoryBytes.ShouldBe(0);
        plan.Notes.ShouldHaveSingleItem().ShouldContain("memory limit");
    }

    [Theory]
    [InlineData(321, 180, 0, true)]
    [InlineData(320, 181, 0, true)]
    [InlineData(320, 180, 90, false)]
    public void Odd_sides_are_made_even(int width, int height, int rotation, bool scaled) =>
        Line(Build("", media: Media(width, height, rotation))).Contains("trunc(iw/2)*2:trunc(ih/2)*2", StringComparison.Ordinal).ShouldBe(scaled);

    [Fact]
    public void The_wanted_height_is_compared_after_rotation()
    {
        Line(Build("height=720", media: Media(1280, 720, 90))).ShouldContain("scale=-2:720");
        Line(Build("height=720", media: Media(720, 1280, 90))).ShouldNotContain("scale");
    }

    [Theory]
    [InlineData("audio=copy", "pcm_s16le", OutputContainer.Mp4, "-c:a aac", "pcm_s16le cannot be copied into MP4")]
    [InlineData("codec=vp9 audio=copy", "aac", OutputContainer.WebM, "-c:a libopus", "cannot be copied into WebM")]
    [InlineData("codec=vp9 audio=aac", "aac", OutputContainer.WebM, "-c:a libopus", "WebM carries no aac")]
    public void Audio_that_does_not_fit_is_encoded_with_a_note(string parameters, string audio, OutputContainer container, string option, string note)
    {
        var plan = Build(parameters, "libx264", Media(audio: audio), container);
        Line(plan).ShouldContain(option);
        plan.Notes.ShouldHaveSingleItem().ShouldContain(note);
    }

    [Fact]
    public void Surround_is_mixed_down_for_opus() => Line(Build("audio=opus", media: Media(channels: 6))).ShouldContain("-c:a libopus -b:a 128k -ac 2");

    [Fact]
    public void A_clip_without_sound_gets_none() => Line(Build("audio=aac", media: Media(audio: null))).ShouldContain(" -an ");

    [Fact]
    public void H264_in_WebM_is_refused() =>
        Should.Throw<MediaException>(() => Build("codec=h264", container: OutputContainer.WebM)).Message.ShouldContain("Use vp9 or av1 for WebM");
}
