namespace Framelease.Benchmarks.Leases;

/// <summary>Measured times, in milliseconds.</summary>
sealed record Latencies(double P50, double P95, double P99, double Most, int Count)
{
    public static Latencies Of(IEnumerable<TimeSpan> times)
    {
        var ordered = times.Select(t => t.TotalMilliseconds).Order().ToArray();
        return ordered.Length == 0
            ? throw new InvalidOperationException("nothing was measured")
            : new Latencies(At(ordered, 0.5), At(ordered, 0.95), At(ordered, 0.99), ordered[^1], ordered.Length);
    }

    static double At(double[] ordered, double share) => ordered[Math.Min(ordered.Length - 1, (int)(ordered.Length * share))];
}
