using Framelease.Media.Probing;
using Framelease.Media.Progress;
using Framelease.Media.Running;
using Framelease.Media.Tests.Support;
using Framelease.Media.Transcoding;

namespace Framelease.Media.Tests.Running;

public class FfmpegProcessTests(Clips clips) : IClassFixture<Clips>
{
    readonly TimeProvider _time = TimeProvider.System;

    Task<MediaInfo> Probe(string path) => new FfprobeReader(clips.Programs, _time).ReadAsync(path, Path.GetFileName(path), default);

    async Task<(TranscodePlan Plan, FfmpegResult Result, List<FfmpegProgress> Progress)> Transcode(
        string input, string output, (string, string)[] parameters, RunLimits? limits = null)
    {
        var parsed = TranscodeParameters.Parse(parameters.ToDictionary(p => p.Item1, p => p.Item2));
        var encoder = await new EncoderSelector(clips.Programs, _time).ChooseAsync(parsed.Codec, realGpu: false, null, default);
        var plan = TranscodePlan.Build(
            new TranscodeRequest(parsed, encoder, null, limits ?? RunLimits.None, 0, null), await Probe(input), input, clips.Path(output));
        List<FfmpegProgress> progress = [];
        using var process = FfmpegProcess.Start(clips.Programs, plan.Command, progress.Add, _time);
        return (plan, await process.Completion, progress);
    }

    [Theory]
    [InlineData("h264", "out264.mp4", "h264", "aac")]
    [InlineData("h265", "out265.mp4", "hevc", "aac")]
    [InlineData("vp9", "out9.webm", "vp9", "opus")]
    [InlineData("av1", "out1.mp4", "av1", "aac")]
    public async Task Every_codec_gives_a_playable_file(string codec, string output, string video, string audio)
    {
        var (_, result, progress) = await Transcode(clips.Plain(), output, [("codec", codec), ("height", "90"), ("preset", "ultrafast")]);
        result.Failure.ShouldBeNull(result.LogTail);
        var media = await Probe(clips.Path(output));
        (media.Video[0].Codec, media.Video[0].Width, media.Video[0].Height).ShouldBe((video, 160, 90));
        media.Audio[0].Codec.ShouldBe(audio);
        media.Duration!.Value.TotalSeconds.ShouldBe(2, 0.15);
        progress[^1].End.ShouldBeTrue();
        progress[^1].Frame.ShouldBe(50);
        result.Cpu.ShouldBeGreaterThan(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_rotated_odd_sized_clip_comes_out_upright_and_even()
    {
        var flat = clips.Make("odd.mkv", "-f", "lavfi", "-i", "testsrc2=s=161x91:r=10:d=1", "-c:v", "ffv1", "-pix_fmt", "yuv444p");
        var (_, result, _) = await Transcode(flat, "odd.mp4", [("audio", "none")]);
        result.Failure.ShouldBeNull(result.LogTail);
        var video = (await Probe(clips.Path("odd.mp4"))).Video[0];
        (video.Width, video.Height).ShouldBe((160, 90));
    }

    [Fact]
    public async Task Stop_ends_a_long_run_within_the_grace_and_leaves_no_process()
    {
        var process = Long("stop.mp4", out var moving);
        await moving;
        await process.StopAsync(TimeSpan.FromSeconds(10));
        var result = await process.Completion;
        result.Stopped.ShouldBeTrue();
        result.ExitCode.ShouldBe(255); // it closed its files itself
        Directory.Exists($"/proc/{process.ProcessId}").ShouldBeFalse();
        process.Dispose();
    }

    [Fact]
    public async Task Stop_without_grace_kills()
    {
        using var process = Long("kill.mp4", out var moving);
        await moving;
        await process.StopAsync(TimeSpan.Zero);
        (await process.Completion).Stopped.ShouldBeTrue();
    }

    [Fact]
    public async Task Disposing_kills_what_still_runs()
    {
        var process = Long("dispose.mp4", out var moving);
        await moving;
        process.Dispose();
        (await process.Completion).ExitCode.ShouldNotBe(0);
    }

    [Fact]
    public async Task Ffmpeg_runs_in_a_process_group_of_its_own()
    {
        using var process = Long("group.mp4", out var moving);
        await moving;
        var stat = File.ReadAllText($"/proc/{process.ProcessId}/stat");
        stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[2].ShouldBe($"{process.ProcessId}"); // pgrp
    }

    [Fact]
    public async Task The_cpu_limit_ends_the_run_and_is_named()
    {
        var command = Endless("cpu.mp4") with { Limits = new RunLimits(CpuSeconds: 1, 0, 0) };
        using var process = FfmpegProcess.Start(clips.Programs, command, _ => { }, _time);
        var result = await process.Completion.WaitAsync(TimeSpan.FromSeconds(60));
        result.Failure.ShouldBe(MediaFailure.CpuLimit, $"{result.ExitCode} {result.LogTail}");
        result.Message.ShouldContain("1 s of CPU time");
    }

    [Fact]
    public async Task The_memory_limit_ends_the_run_and_is_named()
    {
        var big = clips.Make("big.mp4", "-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25:d=1", "-c:v", "libx264", "-preset", "ultrafast");
        var (_, result, _) = await Transcode(big, "memory.mp4", [("preset", "slow")], new RunLimits(0, 64 << 20, 0));
        result.Failure.ShouldBe(MediaFailure.OutOfMemory, result.LogTail);
        result.Message.ShouldContain("64 MiB");
    }

    [Fact]
    public async Task The_output_limit_ends_the_run_and_is_named()
    {
        var (_, result, _) = await Transcode(clips.Plain("long.mp4", 10), "fat.mp4", [("crf", "1")], new RunLimits(0, 0, 50_000));
        result.Failure.ShouldBe(MediaFailure.OutputLimit, $"{result.ExitCode} {result.LogTail}");
    }

    [Fact]
    public void A_missing_prlimit_is_said()
    {
        var bare = clips.Programs with { Prlimit = null, Setsid = null };
        new RunLimits(5, 0, 0).Gap(bare).ShouldNotBeNull().ShouldContain("prlimit");
        RunLimits.None.Gap(bare).ShouldBeNull();
        new RunLimits(5, 0, 0).Gap(clips.Programs).ShouldBeNull();
    }

    [Fact]
    public async Task Without_prlimit_and_setsid_it_still_runs()
    {
        var command = new FfmpegCommand(clips.Plain(), ["-c", "copy", "-f", "mp4"], clips.Path("bare.mp4"), new RunLimits(60, 0, 0));
        using var process = FfmpegProcess.Start(clips.Programs with { Prlimit = null, Setsid = null }, command, _ => { }, _time);
        (await process.Completion).Failure.ShouldBeNull();
    }

    // a copy of an endless loop of the clip, fast enough to fill disks, so it is read in real time unless CPU is what counts
    FfmpegCommand Endless(string output) => new(
        clips.Plain(), ["-vf", "loop=loop=-1:size=50,scale=1280:720", "-an", "-c:v", "libx264", "-f", "mp4"], clips.Path(output), RunLimits.None);

    FfmpegProcess Long(string output, out Task moving)
    {
        var seen = new TaskCompletionSource();
        moving = seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return FfmpegProcess.Start(clips.Programs, Endless(output), p =>
        {
            if (p.Frame > 0)
                seen.TrySetResult();
        }, _time);
    }
}
