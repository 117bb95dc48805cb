// events.k8s.io/v1: what kubectl describe shows at the end. Best effort: recording never holds up, and never fails, what it tells about.
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Events;

/// <summary>Who records, and limits.</summary>
public sealed record EventRecorderOptions
{
    /// <summary>Name of the controller, for example <c>framelease.dev/operator</c>; at most 128 characters.</summary>
    public required string Controller { get; init; }

    /// <summary>Name of this replica; at most 128 characters.</summary>
    public required string Instance { get; init; }

    /// <summary>Events that wait to be sent; more are dropped and counted. Default 1,024.</summary>
    public int QueueLength { get; init; } = 1024;

    /// <summary>Equal events on one object within this time become one with a count. Default 6 minutes, as in client-go.</summary>
    public TimeSpan SeriesWindow { get; init; } = TimeSpan.FromMinutes(6);

    /// <summary>At most one write in this time for one series; the count catches up. Default 10 s.</summary>
    public TimeSpan SeriesInterval { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Records events in the background. Thread-safe; <see cref="RunAsync"/> runs once.</summary>
/// <param name="ids">New ids, for names.</param>
public sealed class EventRecorder(
    IKubernetesClient client, EventRecorderOptions options, TimeProvider time, Func<Guid> ids, ILogger? log = null)
{
    const int MaxNote = 1024, MaxSeries = 4096;

    readonly ILogger _log = log ?? NullLogger.Instance;
    readonly Dictionary<SeriesKey, Series> _series = [];
    readonly Channel<Wish> _queue = Channel.CreateBounded<Wish>(
        new BoundedChannelOptions(options.QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite },
        static _ => KubernetesMetrics.EventDropped("queue full"));

    /// <summary>Something that is as it should be.</summary>
    /// <param name="reason">Why, CamelCase, for example <c>LeaseGranted</c>.</param>
    /// <param name="action">What was done, CamelCase, for example <c>Grant</c>.</param>
    /// <param name="note">Text for people; cut at 1,024 bytes.</param>
    public void Normal(IKubernetesObject regarding, string reason, string action, string note, IKubernetesObject? related = null) =>
        Record("Normal", regarding, reason, action, note, related);

    /// <summary>Something that somebody may have to look at; else as <see cref="Normal"/>.</summary>
    public void Warning(IKubernetesObject regarding, string reason, string action, string note, IKubernetesObject? related = null) =>
        Record("Warning", regarding, reason, action, note, related);

    /// <summary>Sends what was recorded until <paramref name="ct"/> is cancelled; then what is still waiting, for at most two seconds.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        await using var stop = ct.UnsafeRegister(_ => _queue.Writer.TryComplete(), null);
        using var hard = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        await using var last = ct.UnsafeRegister(_ => hard.CancelAfter(TimeSpan.FromSeconds(2)), null);
        await foreach (var wish in _queue.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await SendAsync(wish, hard.Token);
            }
            catch (Exception error) when (error is KubernetesException or OperationCanceledException)
            {
                KubernetesMetrics.EventDropped(error is KubernetesException refused ? refused.Reason : "stopping");
                Log.EventNotRecorded(_log, wish.Key.Reason, $"{wish.Regarding.Kind} {wish.Regarding.Name}", error.Message);
            }
        }
    }

    void Record(string type, IKubernetesObject regarding, string reason, string action, string note, IKubernetesObject? related)
    {
        var about = Reference(regarding);
        var key = new SeriesKey(about.Uid ?? about.Name ?? "", type, reason, action, Cut(note));
        if (!_queue.Writer.TryWrite(new(key, about, related is null ? null : Reference(related), time.GetUtcNow())))
            KubernetesMetrics.EventDropped("stopping");
    }

    async Task SendAsync(Wish wish, CancellationToken ct)
    {
        if (_series.TryGetValue(wish.Key, out var series) && wish.At - series.LastSeen < options.SeriesWindow)
        {
            series.Count++;
            series.LastSeen = wish.At;
            if (wish.At - series.Written < options.SeriesInterval && series.Count > 2)
                return; // the next write tells this one too
            series.Written = wish.At;
            try
            {
                await client.PatchAsync<PartialObject>(Events, series.Name, Namespace(wish.Regarding), Count(series), null, null, ct);
                return;
            }
            catch (KubernetesException error) when (error.IsNotFound)
            {
                // it expired on the server: begin anew
            }
        }

        var made = ToEvent(wish);
        Forget(wish.At);
        _series[wish.Key] = new() { Name = made.Metadata.Name!, Count = 1, LastSeen = wish.At, Written = wish.At };
        await client.CreateAsync(made, ct);
    }

    Event ToEvent(Wish wish) => new()
    {
        Metadata = new()
        {
            Name = $"{Prefix(wish.Regarding.Name)}.{ids().ToString("N", CultureInfo.InvariantCulture)[..16]}",
            Namespace = Namespace(wish.Regarding),
        },
        EventTime = wish.At,
        ReportingController = options.Controller,
        ReportingInstance = options.Instance,
        Action = wish.Key.Action,
        Reason = wish.Key.Reason,
        Regarding = wish.Regarding,
        Related = wish.Related,
        Note = wish.Key.Note,
        Type = wish.Key.Type,
    };

    static Patch Count(Series series) => Patch.Merge(new JsonObject
    {
        ["series"] = new JsonObject
        {
            ["count"] = series.Count,
            ["lastObservedTime"] = series.LastSeen.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        },
    });

    /// <summary>Keeps the memory of series small: the old go, and if that is not enough, all.</summary>
    void Forget(DateTimeOffset now)
    {
        if (_series.Count < MaxSeries)
            return;
        foreach (var (key, series) in _series)
        {
            if (now - series.LastSeen >= options.SeriesWindow)
                _series.Remove(key);
        }

        if (_series.Count >= MaxSeries)
            _series.Clear();
    }

    static ObjectReference Reference(IKubernetesObject value)
    {
        var known = value.ApiVersion is null || value.Kind is null ? ResourceRef.Of(value.GetType()) : null;
        return new()
        {
            ApiVersion = value.ApiVersion ?? known!.ApiVersion,
            Kind = value.Kind ?? known!.Kind,
            Namespace = value.Metadata.Namespace,
            Name = value.Metadata.Name,
            Uid = value.Metadata.Uid,
            ResourceVersion = value.Metadata.ResourceVersion,
        };
    }

    /// <summary>Names are at most 253 characters with the suffix.</summary>
    static string Prefix(string? name) => name is null ? "event" : name.Length <= 230 ? name : name[..230].TrimEnd('.', '-');

    static string Namespace(ObjectReference regarding) => regarding.Namespace ?? "default"; // where kubectl looks for those of cluster-scoped objects

    static string Cut(string note)
    {
        if (Encoding.UTF8.GetByteCount(note) <= MaxNote)
            return note;
        var length = Math.Min(note.Length, MaxNote);
        while (Encoding.UTF8.GetByteCount(note.AsSpan(0, length)) > MaxNote - 3 || char.IsHighSurrogate(note[length - 1]))
            length--;
        return note[..length] + "…";
    }

    static readonly ResourceRef Events = ResourceRef.Of<Event>();

    readonly record struct SeriesKey(string Regarding, string Type, string Reason, string Action, string Note);

    sealed record Wish(SeriesKey Key, ObjectReference Regarding, ObjectReference? Related, DateTimeOffset At);

    sealed class Series
    {
        public required string Name { get; init; }

        public int Count { get; set; }

        public DateTimeOffset LastSeen { get; set; }

        public DateTimeOffset Written { get; set; }
    }
}
