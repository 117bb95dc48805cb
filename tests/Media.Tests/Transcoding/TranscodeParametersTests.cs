using Framelease.Media.Transcoding;

namespace Framelease.Media.Tests.Transcoding;

public class TranscodeParametersTests
{
    static TranscodeParameters Parse(params (string Name, string Value)[] parameters) =>
        TranscodeParameters.Parse(parameters.ToDictionary(p => p.Name, p => p.Value));

    [Fact]
    public void Nothing_given_takes_the_defaults() =>
        Parse().ShouldBe(new TranscodeParameters(VideoCodec.H264, 0, null, null, null, Preset.Veryfast));

    [Fact]
    public void Everything_given_is_taken() =>
        Parse(("codec", "h265"), ("height", "480"), ("bitrateKbps", "900"), ("audio", "copy"), ("preset", "slow"))
            .ShouldBe(new TranscodeParameters(VideoCodec.H265, 480, null, 900, AudioMode.Copy, Preset.Slow));

    [Theory]
    [InlineData("codec", "mpeg2", "h264, h265, vp9, av1")]
    [InlineData("codec", "0", "h264, h265, vp9, av1")]
    [InlineData("codec", "h264 -f null", "allowed")]
    [InlineData("height", "63", "64 to 4320")]
    [InlineData("height", "721", "even numbers")]
    [InlineData("height", "tall", "whole numbers from 0 to 4320")]
    [InlineData("height", "99999999999999999999", "0 to 4320")]
    [InlineData("crf", "52", "0 to 51")]
    [InlineData("crf", "-1", "0 to 51")]
    [InlineData("bitrateKbps", "49", "50 to 200000")]
    [InlineData("audio", "mp3", "aac, opus, copy, none")]
    [InlineData("preset", "placebo", "veryslow")]
    [InlineData("vf", "movie=/etc/passwd", "not known")]
    public void What_is_out_of_bounds_is_refused_by_name(string name, string value, string says)
    {
        var error = Should.Throw<MediaException>(() => Parse((name, value)));
        error.Failure.ShouldBe(MediaFailure.ParameterInvalid);
        error.Message.ShouldContain($"'{name}'");
        error.Message.ShouldContain(says);
    }

    [Fact]
    public void A_huge_value_is_not_repeated_in_the_message() =>
        Should.Throw<MediaException>(() => Parse(("codec", new string('x', 10_000_000)))).Message.Length.ShouldBeLessThan(300);

    [Fact]
    public void Quality_and_bit_rate_exclude_each_other() =>
        Should.Throw<MediaException>(() => Parse(("crf", "20"), ("bitrateKbps", "500"))).Message.ShouldContain("exclude each other");

    [Fact]
    public void Vp9_and_av1_have_a_wider_quality_scale() => Parse(("codec", "av1"), ("crf", "63")).Crf.ShouldBe(63);
}
