using Framelease.Cli.Manifests;

namespace Framelease.Cli.Tests.Manifests;

public sealed class TaskManifestTests
{
    static readonly Guid Id = Guid.Parse("0123abcd-0000-0000-0000-000000000000");

    [Fact]
    public void Flags_become_a_task()
    {
        var task = TaskManifest.Build("ffmpeg-transcode", "inputs/My Clip.mp4", ["codec=av1", "crf=30"], null, "fast", Id);

        task.ToJsonString().ShouldBe(
            """{"apiVersion":"framelease.dev/v1alpha1","kind":"VideoTask","metadata":{"name":"my-clip-0123a"},"spec":{"engine":"ffmpeg-transcode","input":{"object":"inputs/My Clip.mp4"},"parameters":{"codec":"av1","crf":30},"pool":"fast"}}""");
    }

    [Fact]
    public void A_uri_stays_a_uri()
    {
        TaskManifest.Build("e", "https://example.org/a.mp4", [], "a", null, Id)["spec"]!["input"]!.ToJsonString().ShouldBe("""{"uri":"https://example.org/a.mp4"}""");
    }

    [Fact]
    public void A_file_of_this_machine_becomes_a_file_uri()
    {
        var file = Path.GetTempFileName();

        ((string?)TaskManifest.Build("e", file, [], "a", null, Id)["spec"]!["input"]!["uri"]).ShouldBe("file://" + file);
    }

    [Theory]
    [InlineData("crf")]
    [InlineData("=3")]
    public void A_parameter_without_a_name_or_a_value_is_refused(string parameter) =>
        Should.Throw<CliException>(() => TaskManifest.Build("e", "i", [parameter], "a", null, Id)).Message.ShouldContain("NAME=VALUE");

    [Theory]
    [InlineData("inputs/clip.mp4", "clip-0123a")]
    [InlineData("___", "task-0123a")]
    [InlineData("https://h/Ünïcode Ω.mkv", "n-code-0123a")]
    public void Names_are_valid_for_kubernetes(string input, string name) => TaskManifest.NameFor(input, Id).ShouldBe(name);
}
