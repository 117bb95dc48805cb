// Chance, shared by loops that run side by side: Random itself is not thread-safe.
using System.Runtime.CompilerServices;

namespace Framelease.Kubernetes;

sealed class Jitter(Random random)
{
    /// <summary>One lock for each Random, so that a client and its stores may be given the same one.</summary>
    static readonly ConditionalWeakTable<Random, Lock> Locks = [];

    readonly Lock _lock = Locks.GetOrAdd(random, static _ => new());

    /// <summary>In [0, 1).</summary>
    public double Next()
    {
        lock (_lock)
            return random.NextDouble();
    }

    /// <summary><paramref name="first"/> doubled for each failure, at most <paramref name="max"/>, then spread over 50–100 % of that.</summary>
    /// <param name="failures">From 1.</param>
    public TimeSpan Backoff(TimeSpan first, TimeSpan max, int failures)
    {
        var full = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 40)), max.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(full * (0.5 + (Next() / 2)));
    }
}
