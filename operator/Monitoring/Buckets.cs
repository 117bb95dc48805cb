namespace Framelease.Operator.Monitoring;

/// <summary>Buckets of a histogram that SQL fills. PostgreSQL's width_bucket takes a value on a bound into the bucket above, Prometheus
/// into the one below: with both signs turned they agree. A bucket's number is how many bounds lie below the value.</summary>
sealed class Buckets(params double[] bounds)
{
    /// <summary>Upper bounds in seconds, rising.</summary>
    public IReadOnlyList<double> Bounds { get; } = bounds;

    public int Count => Bounds.Count;

    public double[] Negated { get; } = [.. bounds.Reverse().Select(b => -b)];
}
