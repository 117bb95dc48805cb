namespace Framelease.Operator.Metrics;

/// <summary>One metric with all its series, as it is written out; whoever measured it.</summary>
/// <param name="Name">In Prometheus' alphabet, without <c>_total</c>; the unit is its last word.</param>
/// <param name="Unit">seconds, bytes, ratio …; null = none.</param>
sealed record MetricFamily(string Name, MetricKind Kind, string Help, string? Unit, IReadOnlyList<MetricPoint> Points);

enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One series at this moment.</summary>
/// <param name="Labels">Rendered and escaped, without braces: <c>pool="default",reason="NoDevices"</c>; empty = none.</param>
abstract record MetricPoint(string Labels)
{
    public sealed record Number(string Labels, double Value) : MetricPoint(Labels);

    /// <param name="Bounds">Upper bounds, rising, without infinity.</param>
    /// <param name="Counts">Not cumulated; one more than bounds, the last for everything above.</param>
    public sealed record Distribution(string Labels, IReadOnlyList<double> Bounds, IReadOnlyList<long> Counts, double Sum)
        : MetricPoint(Labels);
}

/// <summary>Something that can be asked for metrics when somebody scrapes.</summary>
interface IMetricSource
{
    Task<IReadOnlyList<MetricFamily>> ReadAsync(CancellationToken cancel);
}
