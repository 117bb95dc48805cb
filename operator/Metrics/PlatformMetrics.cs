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

    static PlatformMetrics()
    {
        // Seen from the start, so that a first one is an increase.
        foreach (var outcome in new[] { "taken", "repeated", "stale" })
            Heartbeat(outcome, 0);
    }

    public static void Heartbeat(string outcome, int count = 1) =>
        Heartbeats.Add(count, new KeyValuePair<string, object?>("outcome", outcome));

    public static void Leads(string role, bool now) => Leading.Add(now ? 1 : -1, new KeyValuePair<string, object?>("role", role));
}
