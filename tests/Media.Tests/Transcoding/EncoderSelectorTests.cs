using Framelease.Media.Tests.Support;
using Framelease.Media.Transcoding;

namespace Framelease.Media.Tests.Transcoding;

public class EncoderSelectorTests(Clips clips) : IClassFixture<Clips>
{
    [Fact]
    public void The_list_of_encoders_is_read() =>
        EncoderSelector.ParseEncoders("Encoders:\n V..... = Video\n ------\n V....D libx264              libx264 H.264 (codec h264)\n A..... aac  AAC\n")
            .ShouldBe(["libx264", "aac"], ignoreOrder: true);

    [Theory]
    [InlineData(VideoCodec.H264, "libx264")]
    [InlineData(VideoCodec.H265, "libx265")]
    [InlineData(VideoCodec.Vp9, "libvpx-vp9")]
    public async Task A_software_slot_takes_the_software_encoder_without_asking_ffmpeg(VideoCodec codec, string encoder)
    {
        var nothing = clips.Programs with { Ffmpeg = "/nowhere/ffmpeg" };
        var choice = await new EncoderSelector(nothing, TimeProvider.System).ChooseAsync(codec, realGpu: false, null, default);
        choice.Encoder.ShouldBe(encoder);
        choice.Hardware.ShouldBeFalse();
        choice.Why.ShouldContain("software slot");
    }

    [Fact]
    public async Task Av1_takes_the_best_encoder_that_is_there() =>
        (await new EncoderSelector(clips.Programs, TimeProvider.System).ChooseAsync(VideoCodec.Av1, realGpu: false, null, default))
            .Encoder.ShouldBeOneOf("libsvtav1", "libaom-av1");

    // on a machine whose driver can encode, the same call takes the hardware: both answers are right, and both say why
    [Fact]
    public async Task A_gpu_is_used_only_after_a_trial()
    {
        var choice = await new EncoderSelector(clips.Programs, TimeProvider.System).ChooseAsync(VideoCodec.H264, realGpu: true, null, default);
        choice.Encoder.ShouldBe(choice.Hardware ? "h264_nvenc" : "libx264");
        choice.Why.ShouldMatch(choice.Hardware ? "encodes" : "a trial with h264_nvenc failed on the device: .+|built without");
    }

    [Fact]
    public async Task Vp9_has_no_hardware_encoder_here() =>
        (await new EncoderSelector(clips.Programs, TimeProvider.System).ChooseAsync(VideoCodec.Vp9, realGpu: true, null, default))
            .Why.ShouldBe("NVENC has no encoder for vp9");
}
