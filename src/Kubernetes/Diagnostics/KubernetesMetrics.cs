// Every instrument of this library. Names follow the Prometheus habits of client-go and controller-runtime.
using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Framelease.Kubernetes.Client;

namespace Framelease.Kubernetes.Diagnostics;

/// <summary>Meter <see cref="MeterName"/>.</summary>
public static class KubernetesMetrics
{
    public const string MeterName = "Framelease.Kubernetes";

    static readonly Meter Meter = new(MeterName);

    static readonly Counter<long> Requests = Meter.CreateCounter<long>(
        "kubernetes.client.requests", description: "Requests by verb, resource and HTTP status (or the reason why none came)");

    static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "kubernetes.client.request.duration", "s", "Time until the headers of the answer");

    static readonly Counter<long> Relists = Meter.CreateCounter<long>(
        "kubernetes.watch.relists", description: "Full lists that a store had to take");

    static readonly Counter<long> WatchFailures = Meter.CreateCounter<long>(
        "kubernetes.watch.failures", description: "Watches and lists that failed, by reason");

    static readonly Counter<long> Reconciles = Meter.CreateCounter<long>(
        "kubernetes.controller.reconciles", description: "Reconciles by controller and result");

    static readonly Histogram<double> ReconcileDuration = Meter.CreateHistogram<double>(
        "kubernetes.controller.reconcile.duration", "s", "Time of one reconcile");

    static readonly UpDownCounter<long> QueueDepth = Meter.CreateUpDownCounter<long>(
        "kubernetes.queue.depth", description: "Keys that are due and wait for a worker");

    static readonly UpDownCounter<long> Leading = Meter.CreateUpDownCounter<long>(
        "kubernetes.leader", description: "1 while this process leads the election, else 0");

    static readonly Counter<long> EventsDropped = Meter.CreateCounter<long>(
        "kubernetes.events.dropped", description: "Events that were not recorded, by cause");

    static readonly Counter<long> FinalizersLetGo = Meter.CreateCounter<long>(
        "kubernetes.finalizers.released", description: "Objects let go at the deadline although their clean-up was not complete");

    static readonly ConcurrentDictionary<object, Func<Measurement<int>>> Overdue = new();

    static readonly ObservableGauge<int> FinalizersOverdue = Meter.CreateObservableGauge(
        "kubernetes.finalizers.overdue", static () => Overdue.Values.Select(count => count()),
        description: "Objects whose deletion waits for a finalizer for longer than its deadline");

    internal static void Request(string verb, ResourceRef? resource, string outcome) =>
        Requests.Add(1, new("verb", verb), new("resource", resource?.Plural), new("code", outcome));

    internal static void Answered(string verb, ResourceRef? resource, int code, TimeSpan took)
    {
        Request(verb, resource, code.ToString(CultureInfo.InvariantCulture));
        Duration.Record(took.TotalSeconds, new("verb", verb), new KeyValuePair<string, object?>("resource", resource?.Plural));
    }

    internal static void Relisted(string resource) => Relists.Add(1, new KeyValuePair<string, object?>("resource", resource));

    internal static void WatchFailed(string resource, string reason) =>
        WatchFailures.Add(1, new("resource", resource), new("reason", reason));

    internal static void Reconciled(string controller, string result, TimeSpan took)
    {
        Reconciles.Add(1, new("controller", controller), new("result", result));
        ReconcileDuration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("controller", controller));
    }

    /// <summary>Dashboards shall see every result from the start, not from its first occurrence.</summary>
    internal static void Register(string controller, IEnumerable<string> results)
    {
        foreach (var result in results)
            Reconciles.Add(0, new("controller", controller), new("result", result));
    }

    internal static void QueueChanged(string queue, int by) => QueueDepth.Add(by, new KeyValuePair<string, object?>("queue", queue));

    internal static void Leads(string election, bool now) =>
        Leading.Add(now ? 1 : -1, new KeyValuePair<string, object?>("election", election));

    /// <param name="count">Asked when metrics are collected, until the answer is disposed of.</param>
    internal static IDisposable CountOverdue(string resource, string finalizer, Func<int> count)
    {
        var registration = new Registration();
        Overdue[registration] = () => new(count(), new("resource", resource), new("finalizer", finalizer));
        return registration;
    }

    internal static void LetGo(string resource, string finalizer) => FinalizersLetGo.Add(1, new("resource", resource), new("finalizer", finalizer));

    internal static void EventDropped(string cause) => EventsDropped.Add(1, new KeyValuePair<string, object?>("cause", cause));

    sealed class Registration : IDisposable
    {
        public void Dispose() => Overdue.TryRemove(this, out _);
    }
}
