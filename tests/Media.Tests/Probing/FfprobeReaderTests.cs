using Framelease.Media.Probing;
using Framelease.Media.Tests.Support;

namespace Framelease.Media.Tests.Probing;

public class FfprobeReaderTests(Clips clips) : IClassFixture<Clips>
{
    Task<MediaInfo> Read(string path, string name = "input.mp4") => new FfprobeReader(clips.Programs, TimeProvider.System).ReadAsync(path, name, default);

    async Task<MediaException> Refusal(string path, string name = "input.mp4") => await Should.ThrowAsync<MediaException>(() => Read(path, name));

    [Fact]
    public async Task A_plain_clip_is_described()
    {
        var media = await Read(clips.Plain());
        media.Container.ShouldBe("mp4");
        media.Duration!.Value.TotalSeconds.ShouldBe(2, 0.1);
        media.Bytes.ShouldBe(new FileInfo(clips.Plain()).Length);
        media.Video[0].ShouldBe(new VideoStream(0, "h264", 320, 180, 0, 25, 50, true, media.Video[0].Duration, "yuv420p"));
        media.Audio.ShouldHaveSingleItem().Codec.ShouldBe("aac");
    }

    [Fact]
    public async Task An_open_file_is_read_through_its_descriptor()
    {
        using var handle = File.OpenHandle(clips.Plain());
        var media = await Read($"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}");
        media.TotalFrames.ShouldBe(50);
    }

    [Fact]
    public async Task Zero_bytes_are_named_so()
    {
        File.WriteAllBytes(clips.Path("empty.mp4"), []);
        var error = await Refusal(clips.Path("empty.mp4"));
        error.Failure.ShouldBe(MediaFailure.Empty);
        error.Message.ShouldContain("input.mp4 has zero bytes");
    }

    [Fact]
    public async Task An_absent_file_is_not_found() => (await Refusal(clips.Path("absent.mp4"))).Failure.ShouldBe(MediaFailure.NotFound);

    [Fact]
    public async Task A_folder_is_refused() => (await Refusal(clips.Folder)).Failure.ShouldBe(MediaFailure.Unreadable);

    [Fact]
    public async Task Text_named_mp4_is_unreadable()
    {
        File.WriteAllText(clips.Path("text.mp4"), string.Concat(Enumerable.Repeat("Dear reader, this is no video.\n", 200)));
        var error = await Refusal(clips.Path("text.mp4"), "letter.mp4");
        error.Failure.ShouldBe(MediaFailure.Unreadable);
        error.Message.ShouldContain("letter.mp4");
        error.Message.ShouldNotContain(clips.Folder);
    }

    [Fact]
    public async Task A_truncated_mp4_says_that_it_was_cut_off()
    {
        var whole = File.ReadAllBytes(clips.Plain());
        File.WriteAllBytes(clips.Path("cut.mp4"), whole[..(whole.Length / 2)]);
        var error = await Refusal(clips.Path("cut.mp4"));
        error.Failure.ShouldBe(MediaFailure.Unreadable);
        error.Message.ShouldContain("cut off");
    }

    [Fact]
    public async Task Sound_alone_is_not_video()
    {
        var path = clips.Make("sound.wav", "-f", "lavfi", "-i", "sine=d=1");
        (await Refusal(path)).Failure.ShouldBe(MediaFailure.NoVideo);
    }

    [Theory]
    [InlineData("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nplain.mp4\n#EXT-X-ENDLIST\n")]
    [InlineData("list.ffconcat", "ffconcat version 1.0\nfile plain.mp4\n")]
    public async Task A_play_list_that_names_other_files_is_refused(string name, string text)
    {
        clips.Plain();
        File.WriteAllText(clips.Path(name), text);
        (await Refusal(clips.Path(name), name)).Failure.ShouldBeOneOf(MediaFailure.NoVideo, MediaFailure.Unreadable);
    }

    [Fact]
    public async Task A_rotated_clip_shows_its_rotation()
    {
        clips.Plain();
        var path = clips.Make("turned.mp4", "-i", clips.Plain(), "-c", "copy", "-metadata:s:v:0", "rotate=90");
        var video = (await Read(path)).Video[0];
        video.Rotation.ShouldBeOneOf(90, 270);
        (video.DisplayWidth, video.DisplayHeight).ShouldBe((180, 320));
    }

    [Fact]
    public async Task A_cancelled_probe_leaves_at_once() =>
        await Should.ThrowAsync<OperationCanceledException>(() =>
            new FfprobeReader(clips.Programs, TimeProvider.System).ReadAsync(clips.Plain(), "x", new CancellationToken(true)));
}
