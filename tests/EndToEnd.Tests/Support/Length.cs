namespace Framelease.EndToEnd.Tests.Support;

/// <summary>How long the tests of endurance take: as CI can, or as long as the promise is (<c>./test soak</c>).</summary>
static class Length
{
    public static bool IsSoak { get; } = Environment.GetEnvironmentVariable("FRAMELEASE_SOAK") is { Length: > 0 };

    public static T Of<T>(T ci, T soak) => IsSoak ? soak : ci;
}
