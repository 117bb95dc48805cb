using System.Diagnostics;

namespace Framelease.Kubernetes.Tests.Support;

/// <summary>Waits for what other threads or processes bring about, with a deadline instead of a sleep.</summary>
public static class Eventually
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    public static async Task True(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > Deadline)
                throw new TimeoutException($"not within {Deadline.TotalSeconds} s: {what}");
            await Task.Delay(2);
        }
    }

    /// <summary>As <see cref="True"/>, moving virtual time in small steps meanwhile.</summary>
    public static async Task True(ManualTimeProvider time, TimeSpan step, Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > Deadline)
                throw new TimeoutException($"not within {Deadline.TotalSeconds} s: {what}");
            time.Advance(step);
            await Task.Delay(2);
        }
    }

    /// <summary>As <see cref="True"/>, with a step of a test's own between the looks.</summary>
    public static async Task True(Action step, Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > Deadline)
                throw new TimeoutException($"not within {Deadline.TotalSeconds} s: {what}");
            step();
            await Task.Delay(2);
        }
    }
}
