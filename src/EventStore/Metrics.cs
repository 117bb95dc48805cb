using System.Diagnostics.Metrics;

namespace Framelease.EventStore;

/// <summary>Instruments of the meter Framelease.EventStore.</summary>
internal sealed class Metrics : IDisposable
{
    readonly Meter _meter = new("Framelease.EventStore");
    readonly Counter<long> _commits;
    readonly Counter<long> _events;
    readonly Counter<long> _failures;
    readonly Counter<long> _loaded;
    readonly Histogram<double> _commitSeconds;
    readonly Histogram<double> _loadSeconds;
    readonly Counter<long> _projected;
    readonly Counter<long> _projectionFailures;
    readonly Histogram<double> _batchSeconds;
    readonly Lock _lock = new();
    readonly List<Observed> _observed = [];

    public Metrics()
    {
        _commits = _meter.CreateCounter<long>("framelease.eventstore.commits", description: "Sessions committed");
        _events = _meter.CreateCounter<long>("framelease.eventstore.events_appended", description: "Events appended");
        _failures = _meter.CreateCounter<long>("framelease.eventstore.commit_failures",
            description: "Sessions not committed, by reason: conflict, fenced, guard, repeated, unavailable, unknown, error");
        _loaded = _meter.CreateCounter<long>("framelease.eventstore.events_loaded", description: "Events loaded");
        _commitSeconds = _meter.CreateHistogram<double>("framelease.eventstore.commit.duration", "s", "From SaveChanges to the acknowledged commit");
        _loadSeconds = _meter.CreateHistogram<double>("framelease.eventstore.load.duration", "s", "One load, pool wait included");
        _projected = _meter.CreateCounter<long>("framelease.eventstore.projection.events", description: "Events applied, by projection");
        _projectionFailures = _meter.CreateCounter<long>("framelease.eventstore.projection.failures",
            description: "Times that a projection stood in front of an event that it could not apply");
        _batchSeconds = _meter.CreateHistogram<double>("framelease.eventstore.projection.batch.duration", "s", "One batch of a projection");
        _meter.CreateObservableGauge("framelease.eventstore.projection.lag",
            () => Current().SelectMany(o => o.Lags()).Select(l => new Measurement<long>(l.Lag, Tag(l.Name))),
            description: "Positions of the log that a projection has not looked at yet");
        _meter.CreateObservableGauge(
            "framelease.eventstore.gap.age", () => Current().Select(o => new Measurement<double>(o.Gap().TotalSeconds)), "s",
            "How long the log has been held back by a writer that neither commits nor rolls back");
    }

    sealed record Observed(Func<IEnumerable<(string Name, long Lag)>> Lags, Func<TimeSpan> Gap);

    static KeyValuePair<string, object?> Tag(string projection) => new("projection", projection);

    public void Projected(string projection, int events, TimeSpan took)
    {
        _projected.Add(events, Tag(projection));
        _batchSeconds.Record(took.TotalSeconds, Tag(projection));
    }

    public void ProjectionFailed(string projection) => _projectionFailures.Add(1, Tag(projection));

    /// <summary>While a daemon runs: how far its followers are behind, and how long the log has been held back.</summary>
    public IDisposable Observe(Func<IEnumerable<(string Name, long Lag)>> lags, Func<TimeSpan> gap)
    {
        var observed = new Observed(lags, gap);
        lock (_lock) _observed.Add(observed);
        return new Ending(() =>
        {
            lock (_lock) _observed.Remove(observed);
        });
    }

    List<Observed> Current()
    {
        lock (_lock) return [.. _observed];
    }

    sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    public void Committed(int events, TimeSpan took)
    {
        _commits.Add(1);
        if (events > 0) _events.Add(events);
        _commitSeconds.Record(took.TotalSeconds);
    }

    public void Failed(string reason) => _failures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Loaded(int events) => _loaded.Add(events);

    public void LoadTook(TimeSpan took) => _loadSeconds.Record(took.TotalSeconds);

    public void Dispose() => _meter.Dispose();
}
