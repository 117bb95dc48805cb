using System.Diagnostics.Metrics;

namespace Framelease.Operator.Metrics;

/// <summary>
/// What this replica itself does: every instrument of the meter Framelease.Operator. What the platform as a whole did is counted from the
/// log (<see cref="StatisticsSource"/>), and what it is at this moment is read from tables (<see cref="StateSource"/>): both are the same
/// on every replica and outlive all of them.
/// </summary>
static class PlatformMetrics
{
    static readonly Meter Meter = new("Framelease.Operator");

    static readonly Counter<long> Heartbeats = Meter.CreateCounter<long>(
        "framelease.heartbeats", description: "Heartbeats of workers, by outcome: taken, repeated or stale");

    static readonly UpDownCounter<int> Leading = Meter.CreateUpDownCounter<int>(
        "framelease.leader", description: "1 while this replica leads the role");

    static readonly UpDownCounter<int> Streams = Meter.CreateUpDownCounter<int>(
        "framelease.event_streams", description: "Callers that follow the log through the API");

    static readonly Counter<long> Notifications = Meter.CreateCounter<long>(
        "framelease.notifications", description: "Tries to tell a sink, by outcome: sent, retried or given_up");

    /// <summary>At start: what may happen is zero before it happens, so that the first one is an increase.</summary>
    public static void Announce()
    {
        foreach (var outcome in new[] { "taken", "repeated", "stale" })
            Heartbeat(outcome, 0);
    }

    public static void Heartbeat(string outcome, int count = 1) =>
        Heartbeats.Add(count, new KeyValuePair<string, object?>("outcome", outcome));

    public static void Notification(string sink, string outcome, int count = 1) =>
        Notifications.Add(count, new("sink", sink), new KeyValuePair<string, object?>("outcome", outcome));

    public static void EventStreams(int change) => Streams.Add(change);

    public static void Leads(string role, bool now) => Leading.Add(now ? 1 : -1, new KeyValuePair<string, object?>("role", role));
}
