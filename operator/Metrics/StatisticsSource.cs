using Framelease.Domain.Leasing;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Metrics;

/// <summary>
/// Counters and histograms that the log adds up to. They are the platform's, not this replica's: every replica shows the same figures, so
/// queries take <c>max without (instance)</c>, never a sum over replicas. What can happen in a pool or engine that exists is there with zero
/// before it happens for the first time: else the first time would be no increase, and no alert.
/// </summary>
/// <param name="existing">Names of what exists now, by label: pool or engine.</param>
sealed class StatisticsSource(IPlatformReads reads, Func<string, IEnumerable<string>> existing) : IMetricSource
{
    static readonly Definition[] Definitions =
    [
        Counter("lease_requests", "framelease_lease_requests", "Leases requested", "pool"),
        Counter("grants", "framelease_lease_grants", "Leases granted", "pool"),
        Histogram("wait", "framelease_lease_wait_seconds", "From a lease's request to its grant", Statistics.Waits, "pool"),
        Histogram("handover", "framelease_slot_handover_seconds",
            "From the moment when both were there, a free slot and a waiting lease, to the grant", Statistics.Waits, "pool"),
        Histogram("held", "framelease_lease_held_seconds", "From a lease's grant to its end", Statistics.Work, "pool", "ending"),
        Counter("ended_Released", "framelease_lease_releases", "Leases that their holder gave back", "pool"),
        Counter("ended_Expired", "framelease_lease_expiries", "Leases that ended without their holder's word, by cause", "pool", "cause", Enum.GetNames<ExpiryCause>()),
        Counter("ended_Revoked", "framelease_lease_revocations", "Leases that were taken away", "pool"),
        Counter("ended_GaveUp", "framelease_lease_give_ups", "Leases that ended before a grant, by reason", "pool", "reason", "MaxWaitExceeded",
            "Revoked"),
        Counter("false_expiries", "framelease_lease_false_expiries", "Leases expired for silence whose holder wrote again later", "pool"),
        Counter("stale_holders", "framelease_stale_holder_rejections",
            "Writes refused because their holder holds no more", "pool", "write", "attach", "beat", "complete", "fail"),
        Counter("quarantines", "framelease_slot_quarantines", "Slots put into quarantine, by reason", "pool", "reason"),
        Histogram("recovery", "framelease_slot_recovery_seconds",
            "From a slot's quarantine to its release, by proof", Statistics.Waits, "pool", "proof"),
        Counter("slots_returned", "framelease_slots_returned", "Slots without a lease that came back after a change of authority"),
        Counter("observation_losses", "framelease_observation_losses",
            "Stretches of time in which nobody looked: deadlines were started anew"),
        Counter("mass_silences", "framelease_mass_silences", "Times that too many holders fell silent at once to be believed", "scope"),
        Counter("grades", "framelease_lease_grades", "Leases warned, stalled, or told to end, by grade", "pool", "grade"),
        Counter("authority_changes", "framelease_authority_changes", "Times that the database was another one, or had lost history"),
        Counter("tasks_accepted", "framelease_tasks_accepted", "Tasks accepted", "engine"),
        Counter("tasks_rejected", "framelease_tasks_rejected", "Tasks rejected, by reason", null, "reason"),
        Histogram("task", "framelease_task_duration_seconds", "From a task's acceptance to its end", Statistics.Work, "engine", "end"),
        Histogram("attempt", "framelease_attempt_duration_seconds",
            "Execution time: from an attempt's attach to its end", Statistics.Work, "engine", "outcome"),
    ];

    public async Task<IReadOnlyList<MetricFamily>> ReadAsync(CancellationToken cancel)
    {
        IReadOnlyList<Sum> sums;
        try
        {
            sums = await reads.ReadSumsAsync(cancel);
        }
        catch (LedgerUnavailableException)
        {
            // framelease_database_up tells of it.
            return [];
        }

        var byMetric = sums.ToLookup(s => s.Metric, StringComparer.Ordinal);
        return [.. Definitions.Select(d => d.Of([.. d.Zeros(existing), .. byMetric[d.Metric]]))];
    }

    static Definition Counter(string metric, string name, string help, string? label = null, string? detail = null, params string[] known) =>
        new(metric, name, help, null, label, detail, known);

    static Definition Histogram(string metric, string name, string help, Buckets buckets, string label, string? detail = null) =>
        new(metric, name, help, buckets, label, detail, []);

    sealed record Definition(
        string Metric, string Name, string Help, Buckets? Buckets, string? Label, string? Detail, IReadOnlyList<string> Known)
    {
        /// <summary>Rows that add nothing, for every series that is known before it counts.</summary>
        public IEnumerable<Sum> Zeros(Func<string, IEnumerable<string>> existing)
        {
            if (Detail is not null && Known.Count == 0)
                return [];
            var labels = Label is null ? [""] : existing(Label);
            return labels.SelectMany(l => (Detail is null ? [""] : Known).Select(d => new Sum(Metric, l, d, 0, 0, 0)));
        }

        public MetricFamily Of(IReadOnlyList<Sum> sums)
        {
            var points = sums.GroupBy(s => (s.Label, s.Detail)).Select(g => Point(Labels(g.Key.Label, g.Key.Detail), [.. g])).ToList();
            return Buckets is null
                ? new MetricFamily(Name, MetricKind.Counter, Help, null, points)
                : new MetricFamily(Name, MetricKind.Histogram, Help, "seconds", points);
        }

        string Labels(string label, string detail) => (Label, Detail) switch
        {
            (null, null) => "",
            (null, _) => MetricNames.Labels((Detail, detail)),
            (_, null) => MetricNames.Labels((Label, label)),
            _ => MetricNames.Labels((Label, label), (Detail, detail)),
        };

        MetricPoint Point(string labels, IReadOnlyList<Sum> rows)
        {
            if (Buckets is null)
                return new MetricPoint.Number(labels, rows.Sum(r => r.Count));
            var counts = new long[Buckets.Count + 1];
            foreach (var row in rows)
                counts[row.Bucket] += row.Count;
            return new MetricPoint.Distribution(labels, Buckets.Bounds, counts, rows.Sum(r => r.Millis) / 1000.0);
        }
    }
}
