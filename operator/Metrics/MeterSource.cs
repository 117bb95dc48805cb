using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Framelease.Operator.Metrics;

/// <summary>
/// Listens to the meters of this process from its creation on: the platform's own, and those of the runtime, the database driver and the
/// web server that answer a question which a runbook asks.
/// </summary>
sealed class MeterSource : IMetricSource, IDisposable
{
    static readonly string[] Foreign = ["System.Runtime", "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];

    readonly ConcurrentDictionary<Instrument, InstrumentSeries> _series = new();
    readonly MeterListener _listener = new();
    readonly Lock _collecting = new();
    long _failures;

    public MeterSource()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (IsWanted(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument, _series.GetOrAdd(instrument, i => new InstrumentSeries(i)));
        };
        _listener.MeasurementsCompleted = (instrument, state) => _series.TryRemove(instrument, out _);
        Measure<byte>(v => v);
        Measure<short>(v => v);
        Measure<int>(v => v);
        Measure<long>(v => v);
        Measure<float>(v => v);
        Measure<double>(v => v);
        Measure<decimal>(v => (double)v);
        _listener.Start();
    }

    public Task<IReadOnlyList<MetricFamily>> ReadAsync(CancellationToken cancel)
    {
        List<MetricFamily> families;
        // Two scrapers at once must not forget each other's observations.
        lock (_collecting)
        {
            foreach (var series in _series.Values.Where(s => s.IsObservable))
                series.Forget();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // The other instruments have answered; that some did not is a metric itself.
                _failures++;
            }

            families = [.. _series.Values.Select(s => s.Read()).Where(f => f.Points.Count > 0)];
        }

        families.Add(new MetricFamily(
            "framelease_metrics_callback_failures", MetricKind.Counter, "Scrapes in which an instrument did not answer", null,
            [new MetricPoint.Number("", _failures)]));
        return Task.FromResult<IReadOnlyList<MetricFamily>>(families);
    }

    public void Dispose() => _listener.Dispose();

    static bool IsWanted(string meter) =>
        meter.StartsWith("Framelease.", StringComparison.Ordinal) || Foreign.Contains(meter, StringComparer.Ordinal);

    void Measure<T>(Func<T, double> number)
        where T : struct =>
        _listener.SetMeasurementEventCallback<T>((_, value, tags, state) => ((InstrumentSeries)state!).Record(number(value), tags));
}
