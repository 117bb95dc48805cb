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

    public Metrics()
    {
        _commits = _meter.CreateCounter<long>("framelease.eventstore.commits", description: "Sessions committed");
        _events = _meter.CreateCounter<long>("framelease.eventstore.events_appended", description: "Events appended");
        _failures = _meter.CreateCounter<long>("framelease.eventstore.commit_failures",
            description: "Sessions not committed, by reason: conflict, fenced, guard, repeated, unavailable, unknown, error");
        _loaded = _meter.CreateCounter<long>("framelease.eventstore.events_loaded", description: "Events loaded");
        _commitSeconds = _meter.CreateHistogram<double>("framelease.eventstore.commit.duration", "s", "From SaveChanges to the acknowledged commit");
        _loadSeconds = _meter.CreateHistogram<double>("framelease.eventstore.load.duration", "s", "One load, pool wait included");
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
