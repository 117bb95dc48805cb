using System.Text.Json.Nodes;
using Framelease.Cli.History;
using Framelease.EndToEnd.Tests.Support;

namespace Framelease.EndToEnd.Tests;

public sealed class HappyPathTests(Platform platform) : IClassFixture<Platform>
{
    [Theory]
    [InlineData("h264", "h264", ".mp4")]
    [InlineData("h265", "hevc", ".mp4")]
    [InlineData("vp9", "vp9", ".webm")]
    [InlineData("av1", "av1", ".webm")]
    public async Task A_video_becomes_the_codec_and_height_asked_for(string codec, string probed, string extension)
    {
        await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var name = await platform.SubmitAsync(new JsonObject { ["parameters"] = new JsonObject { ["codec"] = codec, ["height"] = 90, ["preset"] = "ultrafast" } });

        var task = await platform.EndedAsync(name);

        task.Succeeded.ShouldBeTrue($"{task.Reason}: {task.Message}");
        task.Output!.VideoCodec.ShouldBe(probed);
        task.Output.Resolution.ShouldBe("160x90");
        task.Output.Uri.ShouldEndWith(extension);
        task.Output.EncoderReason.ShouldNotBeNullOrEmpty();
        var file = new Uri(task.Output.Uri).LocalPath;
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(file))).ShouldBe(task.Output.Sha256);
    }

    /// <summary>It once watched all that lies below its working directory, and woke at every write of a database there.</summary>
    [Fact]
    public void The_operator_watches_no_files()
    {
        var open = Directory.EnumerateFiles($"/proc/{platform.PidOf("operator")}/fd").Select(file => new FileInfo(file).LinkTarget).ToList();
        open.ShouldNotBeEmpty();
        open.ShouldNotContain("anon_inode:inotify");
    }

    [Fact]
    public async Task The_history_tells_the_whole_story_once()
    {
        await platform.UploadAsync(Clips.Short, "inputs/short.mp4");
        var task = await platform.EndedAsync(await platform.SubmitAsync(new JsonObject { ["parameters"] = new JsonObject { ["height"] = 90 } }));

        var events = await platform.TaskEventsAsync(task.Uid);

        Types(events, "task-").ShouldBe(
            ["TaskAccepted", "TaskAdmitted", "SceneQueued", "AttemptStarted", "AttemptAttached", "SceneCommitted", "OutputCommitted", "TaskSucceeded"]);
        Types(events, "lease-").ShouldBe(["LeaseRequested", "LeaseGranted", "LeaseAttached", "LeaseReleased"]);
        events.Select(e => e.Sequence).ShouldBeInOrder();
    }

    static List<string> Types(IReadOnlyList<HistoryItem> events, string stream) =>
        [.. events.Where(e => e.Stream.StartsWith(stream, StringComparison.Ordinal)).Select(e => e.Type)];
}
