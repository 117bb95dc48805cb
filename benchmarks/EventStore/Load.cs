namespace Framelease.Benchmarks.EventStore;

/// <summary>Writers that append as fast as they can for a while, each to streams of its own with the version that it knows.</summary>
static class Load
{
    const int StreamsPerWriter = 10;

    /// <param name="append">Stream, expected version, and the appended events follow.</param>
    /// <returns>Appends a second.</returns>
    public static async Task<double> RunAsync(int writers, TimeSpan duration, string prefix, Func<string, long, Task> append, int events, TimeProvider time)
    {
        var started = time.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, writers).Select(WriteAsync));
        return counts.Sum() / time.GetElapsedTime(started).TotalSeconds;

        async Task<long> WriteAsync(int writer)
        {
            await Task.Yield();
            var versions = new long[StreamsPerWriter];
            var done = 0L;
            while (time.GetElapsedTime(started) < duration)
            {
                var stream = (int)(done % StreamsPerWriter);
                await append($"{prefix}-{writer}-{stream}", versions[stream]);
                versions[stream] += events;
                done++;
            }

            return done;
        }
    }
}
