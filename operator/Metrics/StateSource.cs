using Framelease.Domain.Devices;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Resources;

namespace Framelease.Operator.Metrics;

/// <summary>The platform at this moment: slots, queue, silence. The same on every replica, as <see cref="StatisticsSource"/> is.</summary>
/// <param name="leases">The watched GpuLeases, for why they wait; null until the stores exist.</param>
sealed class StateSource(IPlatformReads reads, Func<IReadOnlyList<GpuLease>?> leases) : IMetricSource
{
    const double MiB = 1024 * 1024;

    /// <summary>Seconds after which what a holder told is no longer shown: three times the default interval between beats.</summary>
    const double Stale = 180;

    static readonly string[] SlotStates = ["Free", "Granted", "Quarantined", "Releasing"];

    public async Task<IReadOnlyList<MetricFamily>> ReadAsync(CancellationToken cancel)
    {
        PlatformState state;
        try
        {
            state = await reads.ReadStateAsync(cancel);
        }
        catch (LedgerUnavailableException)
        {
            return [Gauge("framelease_database_up", "1 while PostgreSQL answers", null, One("", 0))];
        }

        return
        [
            Gauge("framelease_database_up", "1 while PostgreSQL answers", null, One("", 1)),
            Gauge("framelease_log_position", "The last event's place in the log", null, One("", state.LogPosition)),
            Gauge("framelease_slots", "Slots by state", null, SlotCounts(state)),
            Gauge("framelease_devices", "Devices by health: degraded ones get no lease, one on probation gets one at a time", null,
                Fitness(state)),
            Gauge("framelease_slot_quarantine_age_seconds", "Age of the oldest quarantine of a pool; 0 without one", "seconds",
                Ages(state, "Quarantined", "Releasing")),
            Gauge("framelease_leases_deadlocked", "Held leases that only a person ends: their pools detect only", null,
                state.Slots.Select(s => s.Pool).Distinct(StringComparer.Ordinal).Select(pool => One(
                    MetricNames.Labels(("pool", pool)), state.Deadlocked.FirstOrDefault(d => d.Pool == pool)?.Count ?? 0))),
            Gauge("framelease_lease_age_seconds", "How long the longest holder of a pool holds; 0 without one", "seconds",
                Ages(state, "Granted")),
            Gauge("framelease_leases_waiting", "Waiting leases by reason", null, Waiting()),
            Gauge("framelease_lease_oldest_wait_seconds", "How long the lease has waited that waits longest", "seconds",
                state.Waiting.Select(w => One(MetricNames.Labels(("pool", w.Pool)), w.OldestSeconds))),
            Gauge("framelease_attempts_attached", "Attempts whose workers are attached", null, One("", state.Attached.Count)),
            Gauge("framelease_heartbeat_silence_seconds", "The longest silence of an attached worker", "seconds",
                One("", state.Attached.LongestSilenceSeconds)),
            Gauge("framelease_heartbeat_silence_ratio", "The longest silence of an attached worker in parts of its timeout", "ratio",
                One("", state.Attached.LongestSilenceRatio)),
            Gauge("framelease_device_utilization_ratio", "How busy a held device is, as its holder told last", "ratio",
                Told(state, d => d.UtilisationPercent / 100.0)),
            Gauge("framelease_device_memory_used_bytes", "Memory in use on a held device", "bytes", Told(state, d => d.MemoryUsedMiB * MiB)),
            Gauge("framelease_device_memory_total_bytes", "Memory of a held device", "bytes", Told(state, d => d.MemoryTotalMiB * MiB)),
            Gauge("framelease_device_temperature_celsius", "Temperature of a held device", "celsius", Told(state, d => d.TemperatureCelsius)),
        ];
    }

    static IEnumerable<MetricPoint> Told(PlatformState state, Func<DeviceNow, double?> figure) =>
        from device in state.Devices
        where device.Now.ToldSecondsAgo <= Stale
        let value = figure(device.Now)
        where value is not null
        select One(MetricNames.Labels(("pool", device.Pool), ("node", device.Node), ("device", device.Device)), value.Value);

    // All four states of every pool, zeros too: alerts compare them.
    static IEnumerable<MetricPoint> SlotCounts(PlatformState state) =>
        from pool in state.Slots.Select(s => s.Pool).Distinct(StringComparer.Ordinal)
        from name in SlotStates
        select One(
            MetricNames.Labels(("pool", pool), ("state", name.ToLowerInvariant())),
            state.Slots.FirstOrDefault(s => s.Pool == pool && s.State == name)?.Count ?? 0);

    static IEnumerable<MetricPoint> Fitness(PlatformState state) =>
        from pool in state.Fitness.Select(s => s.Pool).Distinct(StringComparer.Ordinal)
        from name in Enum.GetNames<DeviceFitness>()
        select One(
            MetricNames.Labels(("pool", pool), ("health", name.ToLowerInvariant())),
            state.Fitness.FirstOrDefault(s => s.Pool == pool && s.Fitness == name)?.Count ?? 0);

    static IEnumerable<MetricPoint> Ages(PlatformState state, params string[] names) =>
        from pool in state.Slots.Select(s => s.Pool).Distinct(StringComparer.Ordinal)
        let slots = state.Slots.Where(s => s.Pool == pool && names.Contains(s.State))
        select One(MetricNames.Labels(("pool", pool)), slots.Select(s => s.OldestSeconds).DefaultIfEmpty(0).Max());

    // Why somebody waits is what its own status says, so that metric and `kubectl describe` never differ.
    IEnumerable<MetricPoint> Waiting() =>
        from lease in leases() ?? []
        where lease.Status?.State is null or "Pending"
        group lease by (lease.Spec.Pool, Reason: lease.Status?.Reason ?? "New") into same
        select One(MetricNames.Labels(("pool", same.Key.Pool), ("reason", same.Key.Reason)), same.Count());

    static MetricPoint One(string labels, double value) => new MetricPoint.Number(labels, value);

    static MetricFamily Gauge(string name, string help, string? unit, params IEnumerable<MetricPoint> points) =>
        new(name, MetricKind.Gauge, help, unit, [.. points]);
}
