using System.Text.Json.Nodes;
using Framelease.EndToEnd.Tests.Support;
using Framelease.Kubernetes.Client;
using Framelease.Resources;

namespace Framelease.EndToEnd.Tests;

/// <summary>What users do wrong gets a fixed reason and a way to mend it, soon, without a retry, and the slot is free again.</summary>
public sealed class BadInputTests(Platform platform) : IClassFixture<Platform>
{
    // A deadline for a hang, not a measure of speed.
    const int Seconds = 20;

    [Theory]
    [InlineData("an unknown engine", """{"engine": "nope"}""", "Accepted", "EngineNotFound")]
    [InlineData("a parameter out of range", """{"parameters": {"crf": 64}}""", "Accepted", "ParameterInvalid")]
    [InlineData("a parameter of the wrong type", """{"parameters": {"height": "tall"}}""", "Accepted", "ParameterInvalid")]
    [InlineData("a parameter that nobody knows", """{"parameters": {"colour": "red"}}""", "Accepted", "ParameterInvalid")]
    [InlineData("parameters that exclude each other", """{"parameters": {"crf": 20, "bitrateKbps": 500}}""", "Accepted", "ParameterInvalid")]
    [InlineData("a file outside the allowed root", """{"input": {"uri": "file:///etc/passwd"}}""", "Accepted", "InputNotAllowed")]
    [InlineData("a file that climbs out of the allowed root", """{"input": {"uri": "file://ROOT/../../../../etc/passwd"}}""", "Accepted", "InputNotAllowed")]
    [InlineData("a scheme that is not allowed", """{"input": {"uri": "ftp://example.org/a.mp4"}}""", "Accepted", "InputInvalid")]
    [InlineData("a pool that does not exist", """{"pool": "nope"}""", "Accepted", "PoolNotFound")]
    public async Task Is_refused_before_anything_runs(string what, string spec, string condition, string reason)
    {
        var name = await platform.SubmitAsync((JsonObject)JsonNode.Parse(spec.Replace("ROOT", platform.InputRoot, StringComparison.Ordinal))!);

        var refused = await Until.NotNull(
            async () => await platform.ConditionAsync(name, condition) is { } c && (string?)c["status"] == "False" && (string?)c["reason"] == reason ? c : null,
            $"{what}: {condition}=False, {reason}", Seconds);

        ((string?)refused["message"]).ShouldNotBeNullOrWhiteSpace(what);
        (await AttemptsAsync(name)).ShouldBe(0);
    }

    [Theory]
    [InlineData("an object that does not exist", """{"input": {"object": "inputs/absent.mp4"}}""", "InputNotFound", 0)]
    [InlineData("a file that does not exist", """{"input": {"uri": "file://ROOT/absent.mp4"}}""", "InputNotFound", 1)]
    [InlineData("text named .mp4", """{"input": {"object": "inputs/text.mp4"}}""", "InputUnreadable", 1)]
    [InlineData("sound without a picture", """{"input": {"object": "inputs/sound.mp4"}}""", "InputNotVideo", 1)]
    [InlineData("a private address", """{"input": {"uri": "http://127.0.0.1:1/a.mp4"}}""", "InputNotAllowed", 1)]
    public async Task Fails_once_and_gives_the_slot_back(string what, string spec, string reason, int attempts)
    {
        await platform.UploadAsync(Clips.Text, "inputs/text.mp4");
        await platform.UploadAsync(Clips.Sound, "inputs/sound.mp4");
        var name = await platform.SubmitAsync((JsonObject)JsonNode.Parse(spec.Replace("ROOT", platform.InputRoot, StringComparison.Ordinal))!);

        var task = await platform.EndedAsync(name, 30);

        task.Succeeded.ShouldBeFalse(what);
        task.Reason.ShouldBe(reason, $"{what}: {task.Message}");
        task.Message.ShouldNotBeNullOrWhiteSpace();
        (await AttemptsAsync(name)).ShouldBe(attempts, what);
        await Until.True(SlotsAreFreeAsync, "the slot is free again", Seconds);
    }

    async Task<int> AttemptsAsync(string name) =>
        (int?)(await platform.Client.GetAsync(ResourceRef.Of<VideoTask>(), name, "default"))["status"]?["attempts"] ?? 0;

    async Task<bool> SlotsAreFreeAsync()
    {
        var pool = await platform.Client.GetAsync(ResourceRef.Of<GpuPool>(), "default", null);
        return (int?)pool["status"]?["freeSlots"] == (int?)pool["status"]?["slots"];
    }
}
