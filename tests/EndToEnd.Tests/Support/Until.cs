using System.Diagnostics;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>Waits for real processes: a condition, polled, with a deadline.</summary>
static class Until
{
    static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    /// <summary>The first value that is not null.</summary>
    public static async Task<T> NotNull<T>(Func<Task<T?>> look, string what, int seconds = 60)
        where T : class
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            if (await look() is { } found)
                return found;
            if (watch.Elapsed.TotalSeconds > seconds)
                throw new TimeoutException($"not within {seconds} s: {what}");
            await Task.Delay(Pace);
        }
    }

    public static Task True(Func<Task<bool>> look, string what, int seconds = 60) =>
        NotNull<object>(async () => await look() ? new object() : null, what, seconds);
}
