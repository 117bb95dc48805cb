namespace Framelease.Benchmarks.EventStore;

/// <summary>The event that both sides append: some 150 bytes of JSON, as the platform's own events have.</summary>
sealed record FrameCoded(string Scene, int Attempt, long Frames, double Speed, string Message)
{
    public const string DotNetType = "Framelease.Benchmarks.EventStore.FrameCoded, Framelease.Benchmarks";

    public static FrameCoded Sample { get; } = new("scene-0", 1, 1350, 2.5, "the quick brown encoder jumps over the lazy key frame");

    public static string Json { get; } = System.Text.Json.JsonSerializer.Serialize(Sample, System.Text.Json.JsonSerializerOptions.Web);
}
