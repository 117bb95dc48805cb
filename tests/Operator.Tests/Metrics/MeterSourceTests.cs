using System.Diagnostics.Metrics;
using System.Globalization;
using Framelease.Operator.Metrics;

namespace Framelease.Operator.Tests.Metrics;

public sealed class MeterSourceTests : IDisposable
{
    readonly MeterSource _source = new();
    readonly Meter _meter = new("Framelease.Tests");

    public void Dispose()
    {
        _meter.Dispose();
        _source.Dispose();
    }

    [Fact]
    public async Task A_counter_adds_up_whatever_the_order_of_its_tags()
    {
        var counter = _meter.CreateCounter<long>("test.jobs", "{job}", "Jobs");
        counter.Add(1, new("pool", "a"), new("kind", "x"));
        counter.Add(2, new("kind", "x"), new("pool", "a"));
        (await FindAsync("test_jobs")).Points.ShouldBe([new MetricPoint.Number("kind=\"x\",pool=\"a\"", 3)]);
    }

    [Fact]
    public async Task A_histogram_keeps_to_the_advised_bounds_and_a_value_on_a_bound_lies_below_it()
    {
        var advice = new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] };
        var histogram = _meter.CreateHistogram("test.took", "s", "Took", null, advice);
        foreach (var value in new[] { 0.5, 1, 1.5, 9 })
            histogram.Record(value);
        var point = (await FindAsync("test_took_seconds")).Points.ShouldHaveSingleItem().ShouldBeOfType<MetricPoint.Distribution>();
        point.Counts.ShouldBe([2, 1, 1]);
        point.Sum.ShouldBe(12);
    }

    [Fact]
    public async Task A_series_that_is_no_longer_observed_vanishes()
    {
        string[] pools = ["a", "b"];
        _meter.CreateObservableGauge(
            "test.depth", () => pools.Select(p => new Measurement<int>(1, new KeyValuePair<string, object?>("pool", p))));
        (await FindAsync("test_depth")).Points.Count.ShouldBe(2);
        pools = ["b"];
        (await FindAsync("test_depth")).Points.ShouldBe([new MetricPoint.Number("pool=\"b\"", 1)]);
    }

    [Fact]
    public async Task More_series_than_allowed_are_counted_together()
    {
        var counter = _meter.CreateCounter<int>("test.wild");
        for (var i = 0; i < InstrumentSeries.MostSeries + 5; i++)
            counter.Add(1, new KeyValuePair<string, object?>("user", i.ToString(CultureInfo.InvariantCulture)));
        var points = (await FindAsync("test_wild")).Points;
        points.Count.ShouldBe(InstrumentSeries.MostSeries + 1);
        points.ShouldContain(new MetricPoint.Number("overflow=\"true\"", 5));
    }

    [Fact]
    public async Task An_instrument_that_fails_leaves_the_others_their_answer()
    {
        _meter.CreateObservableGauge("test.broken", int () => throw new InvalidOperationException("broken"));
        _meter.CreateObservableGauge("test.sound", () => 1);
        (await FindAsync("test_sound")).Points.Count.ShouldBe(1);
        (await FindAsync("framelease_metrics_callback_failures")).Points.ShouldBe([new MetricPoint.Number("", 2)]);
    }

    [Fact]
    public async Task The_meters_of_the_libraries_and_the_runtime_are_heard()
    {
        using var process = new ProcessMetrics();
        var names = (await _source.ReadAsync(CancellationToken.None)).Select(f => f.Name).ToList();
        names.ShouldContain("dotnet_gc_collections");
        names.ShouldContain("process_resident_memory_bytes");
        names.ShouldContain("process_cpu_seconds");
    }

    async Task<MetricFamily> FindAsync(string name) => (await _source.ReadAsync(CancellationToken.None)).Single(f => f.Name == name);
}
