using System.Diagnostics.Metrics;

namespace Framelease.Operator.Metrics;

/// <summary>All series of one instrument: what it measured so far. Thread-safe.</summary>
sealed class InstrumentSeries
{
    /// <summary>Series of one instrument; what comes beyond is counted together under <c>overflow="true"</c>, so that no label can fill
    /// the memory.</summary>
    public const int MostSeries = 1000;

    const string Overflow = "overflow=\"true\"";

    /// <summary>For durations in seconds without an advice of their own: from 5 ms, a good answer, to 10 s.</summary>
    static readonly double[] Durations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    readonly Lock _lock = new();
    readonly Dictionary<string, Cell> _cells = new(StringComparer.Ordinal);
    readonly string _name;
    readonly string _help;
    readonly string? _unit;
    readonly MetricKind _kind;
    readonly double[] _bounds;
    readonly bool _adds;

    public InstrumentSeries(Instrument instrument)
    {
        _name = MetricNames.Family(instrument);
        _help = instrument.Description ?? instrument.Name;
        _unit = MetricNames.Unit(instrument.Unit);
        var type = instrument.GetType().GetGenericTypeDefinition();
        _kind = type == typeof(Histogram<>) ? MetricKind.Histogram
            : type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter
            : MetricKind.Gauge;
        _adds = type == typeof(Counter<>) || type == typeof(UpDownCounter<>);
        _bounds = _kind is MetricKind.Histogram ? Bounds(instrument) : [];
        IsObservable = instrument.IsObservable;
    }

    /// <summary>Whether its measurements are whole values of this moment, asked for at each scrape.</summary>
    public bool IsObservable { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = TagKey.Of(tags);
        lock (_lock)
        {
            var cell = Find(key);
            if (_kind is MetricKind.Histogram)
                cell.Counts![Bucket(value)]++;
            cell.Value = _adds || _kind is MetricKind.Histogram ? cell.Value + value : value;
        }
    }

    /// <summary>Before observable instruments are asked: a series that is no longer reported must vanish.</summary>
    public void Forget()
    {
        lock (_lock)
            _cells.Clear();
    }

    public MetricFamily Read()
    {
        lock (_lock)
        {
            var points = _cells.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => Point(c.Key, c.Value));
            return new MetricFamily(_name, _kind, _help, _unit, [.. points]);
        }
    }

    MetricPoint Point(string labels, Cell cell) => cell.Counts is null
        ? new MetricPoint.Number(labels, cell.Value)
        : new MetricPoint.Distribution(labels, _bounds, [.. cell.Counts], cell.Value);

    Cell Find(string key)
    {
        if (_cells.TryGetValue(key, out var found))
            return found;
        if (_cells.Count >= MostSeries && _cells.TryGetValue(key = Overflow, out found))
            return found;
        return _cells[key] = new Cell { Counts = _kind is MetricKind.Histogram ? new long[_bounds.Length + 1] : null };
    }

    int Bucket(double value)
    {
        // The first bound that is not below the value.
        var at = Array.BinarySearch(_bounds, value);
        return at >= 0 ? at : ~at;
    }

    static double[] Bounds(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => Durations,
    };

    sealed class Cell
    {
        public double Value;
        public long[]? Counts;
    }
}
