using System.Text;
using Framelease.Media.Probing;

namespace Framelease.Media.Tests.Probing;

public class FfprobeParserTests
{
    static MediaInfo Parse(string json, string name = "clip.mp4") => FfprobeParser.Parse(Encoding.UTF8.GetBytes(json), name);

    static string Video(string more) => $$"""{"format":{"format_name":"mov,mp4,m4a,3gp,3g2,mj2","duration":"2.0","size":"100"},"streams":[{"index":0,"codec_type":"video","codec_name":"h264","width":320,"height":180,{{more}}}]}""";

    [Theory]
    [InlineData("\"avg_frame_rate\":\"30000/1001\",\"nb_frames\":\"60\"", 60, true)]
    [InlineData("\"avg_frame_rate\":\"25/1\"", 50, false)]
    [InlineData("\"avg_frame_rate\":\"0/0\",\"r_frame_rate\":\"10/1\"", 20, false)]
    [InlineData("\"avg_frame_rate\":\"0/0\",\"r_frame_rate\":\"0/0\"", 0, false)]
    [InlineData("\"avg_frame_rate\":\"25/1\",\"duration\":\"1.0\"", 25, false)]
    public void Frames_come_from_the_container_or_from_rate_and_duration(string stream, long frames, bool exact)
    {
        var video = Parse(Video(stream)).Video[0];
        video.Frames.ShouldBe(frames);
        video.FramesExact.ShouldBe(exact);
    }

    [Theory]
    [InlineData("\"side_data_list\":[{\"side_data_type\":\"Display Matrix\",\"rotation\":-90}]", 90)]
    [InlineData("\"side_data_list\":[{\"rotation\":90}]", 270)]
    [InlineData("\"side_data_list\":[{\"rotation\":180}]", 180)]
    [InlineData("\"side_data_list\":[{\"rotation\":-90.0001}]", 90)]
    [InlineData("\"tags\":{\"rotate\":\"270\"}", 270)]
    [InlineData("\"tags\":{\"rotate\":\"soon\"}", 0)]
    public void Rotation_is_clockwise_degrees(string stream, int degrees)
    {
        var video = Parse(Video(stream)).Video[0];
        video.Rotation.ShouldBe(degrees);
        video.DisplayHeight.ShouldBe(degrees is 90 or 270 ? 320 : 180);
    }

    [Theory]
    [InlineData("mov,mp4,m4a,3gp,3g2,mj2", "a.mov", "mov")]
    [InlineData("mov,mp4,m4a,3gp,3g2,mj2", "a", "mp4")]
    [InlineData("matroska,webm", "a.webm", "webm")]
    [InlineData("matroska,webm", "a.mkv", "matroska")]
    [InlineData("avi", "a.mp4", "avi")]
    public void The_container_is_the_member_that_the_name_hints_at(string names, string file, string container) =>
        Parse($$"""{"format":{"format_name":"{{names}}"},"streams":[{"index":0,"codec_type":"video","width":2,"height":2}]}""", file).Container.ShouldBe(container);

    [Fact]
    public void A_cover_picture_is_not_video()
    {
        var error = Should.Throw<MediaException>(() => Parse("""
            {"format":{"format_name":"mp3"},"streams":[
             {"index":0,"codec_type":"audio","codec_name":"mp3","channels":2},
             {"index":1,"codec_type":"video","codec_name":"mjpeg","width":600,"height":600,"disposition":{"attached_pic":1}}]}
            """));
        error.Failure.ShouldBe(MediaFailure.NoVideo);
        error.Message.ShouldContain("sound (mp3) but no video");
    }

    [Theory]
    [InlineData("{}", MediaFailure.NoVideo)]
    [InlineData("""{"streams":[]}""", MediaFailure.NoVideo)]
    [InlineData("""{"streams":{}, "format":7}""", MediaFailure.NoVideo)]
    [InlineData("", MediaFailure.Unreadable)]
    [InlineData("{\"streams\":[", MediaFailure.Unreadable)]
    public void An_answer_without_video_is_refused_with_a_reason(string json, MediaFailure failure) =>
        Should.Throw<MediaException>(() => Parse(json)).Failure.ShouldBe(failure);

    [Fact]
    public void Numbers_out_of_all_measure_do_not_break_it()
    {
        var media = Parse(
            """
            {"format":{"duration":"1e300","size":"999999999999999999999"},
             "streams":[{"index":0,"codec_type":"video","width":8,"height":8,"avg_frame_rate":"1/0","nb_frames":"-4"}]}
            """);
        media.Duration.ShouldBeNull();
        media.TotalFrames.ShouldBe(0);
    }
}
