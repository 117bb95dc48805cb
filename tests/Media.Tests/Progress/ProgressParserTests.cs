using Framelease.Media.Progress;

namespace Framelease.Media.Tests.Progress;

public class ProgressParserTests
{
    static List<FfmpegProgress> Feed(string text)
    {
        var parser = new ProgressParser();
        return [.. text.Split('\n').Select(line => parser.Feed(line)).OfType<FfmpegProgress>()];
    }

    [Fact]
    public void A_block_of_ffmpeg_is_read_whole()
    {
        var block = Feed("""
            frame=95
            fps=187.40
            stream_0_0_q=28.0
            bitrate= 402.5kbits/s
            total_size=524336
            out_time_us=10421333
            out_time_ms=10421333
            out_time=00:00:10.421333
            dup_frames=1
            drop_frames=2
            speed=20.6x
            progress=continue
            """).ShouldHaveSingleItem();
        block.ShouldBe(new FfmpegProgress(95, 187.4, TimeSpan.FromMicroseconds(10421333), 20.6, 524336, 2, 1, End: false));
    }

    [Fact]
    public void The_last_block_says_end() => Feed("frame=3\nprogress=continue\nframe=4\nprogress=end").Select(b => b.End).ShouldBe([false, true]);

    [Theory]
    [InlineData("total_size=N/A\nout_time_us=N/A\nspeed=N/A\nfps=0.00\nprogress=continue")] // nothing known yet
    [InlineData("out_time_us=-9223372036854775808\nprogress=continue")] // before the first packet
    [InlineData("frame=-1\nframe=99999999999999999999\nspeed=-1x\nspeed=infx\nspeed=nanx\nprogress=continue")]
    [InlineData("garbage\n=\n=5\nframe\nframe=\nunknown=7\n  progress = continue ")]
    public void What_ffmpeg_does_not_know_is_zero(string text) => Feed(text).ShouldHaveSingleItem().ShouldBe(FfmpegProgress.None);

    [Fact]
    public void A_value_that_goes_missing_keeps_the_last_one() =>
        Feed("frame=7\nout_time_us=5\nprogress=continue\nframe=N/A\nout_time_us=N/A\nprogress=continue")[1]
            .ShouldBe(FfmpegProgress.None with { Frame = 7, OutTime = TimeSpan.FromMicroseconds(5) });

    [Fact]
    public void Spaces_before_a_number_are_read_over() => Feed("frame=   12\nspeed= 1.5x\nprogress=end")[0].Frame.ShouldBe(12);
}
