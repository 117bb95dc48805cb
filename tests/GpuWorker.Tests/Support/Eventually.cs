namespace Framelease.GpuWorker.Tests.Support;

static class Eventually
{
    /// <summary>Waits for something that another thread or process does; fails after the deadline.</summary>
    public static async Task Holds(Func<bool> condition, string what, double seconds = 20)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(deadline) > TimeSpan.FromSeconds(seconds))
                throw new TimeoutException($"not within {seconds} s: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, default);
        }
    }
}
