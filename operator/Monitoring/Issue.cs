namespace Framelease.Operator.Monitoring;

/// <summary>Something that a person should know of. The names and limits are those of the Prometheus rules, so that a platform without
/// Prometheus tells of the same things.</summary>
/// <param name="Name">As the alert's.</param>
/// <param name="Subject">Which pool it is about; empty = the platform.</param>
sealed record Issue(string Name, IssueSeverity Severity, string Subject, string Message)
{
    /// <summary>Two issues of one key are the same one, seen again.</summary>
    public string Key => $"{Name}/{Subject}";
}

enum IssueSeverity
{
    Warning,
    Critical,
}

/// <summary>What was decided in a pool lately.</summary>
sealed record RecentDecisions(string Pool, long Granted, long GaveUp, long WaitedTooLong, long TimedOut, long Silent, long FalselySilent);

/// <summary>The facts of one look, by PostgreSQL's clock.</summary>
sealed record MonitoringFacts(PlatformState State, IReadOnlyList<RecentDecisions> Recent);

/// <summary>From facts to issues: a pure function.</summary>
static class IssueRules
{
    public const double TimeoutRate = 0.1;
    public const double SuccessRate = 0.9;
    public const double HeartbeatFailureRate = 0.05;
    public const double QuarantineSeconds = 300;

    /// <summary>Over how many minutes rates are taken.</summary>
    public const int WindowMinutes = 15;

    public static IReadOnlyList<Issue> Find(MonitoringFacts facts) =>
    [
        .. Rates(facts), .. Quarantines(facts).Concat(Leaving(facts)).Concat(Deadlocks(facts)).DistinctBy(i => i.Key),
        .. Degraded(facts), .. Heartbeats(facts),
    ];

    static IEnumerable<Issue> Rates(MonitoringFacts facts)
    {
        foreach (var pool in facts.Recent)
        {
            var decided = pool.Granted + pool.GaveUp;
            var timeouts = pool.WaitedTooLong + pool.TimedOut;
            if (timeouts > TimeoutRate * decided)
            {
                yield return new Issue(
                    "GPU_LOCK_TIMEOUT_RATE_HIGH", IssueSeverity.Warning, pool.Pool,
                    $"{timeouts} of {decided} leases timed out within {WindowMinutes} minutes");
            }

            if (pool.Granted < SuccessRate * decided)
            {
                yield return new Issue(
                    "GPU_LOCK_SUCCESS_RATE_LOW", IssueSeverity.Warning, pool.Pool,
                    $"{pool.Granted} of {decided} leases were granted within {WindowMinutes} minutes");
            }

            if (pool.FalselySilent > 0)
            {
                yield return new Issue(
                    "FrameleaseFalseExpiry", IssueSeverity.Critical, pool.Pool,
                    $"{pool.FalselySilent} leases expired for silence although their holders were alive");
            }
        }
    }

    static IEnumerable<Issue> Quarantines(MonitoringFacts facts) =>
        from slots in facts.State.Slots
        where slots.State == "Quarantined" && slots.OldestSeconds > QuarantineSeconds
        select new Issue(
            "GPU_LOCK_DEADLOCK_DETECTED", IssueSeverity.Critical, slots.Pool,
            $"{slots.Count} slots are in quarantine, the oldest for {slots.OldestSeconds:0} s: their holders are gone, nothing frees them");

    // Given back, and their pods do not end: to whoever waits it is the same.
    static IEnumerable<Issue> Leaving(MonitoringFacts facts) =>
        from slots in facts.State.Slots
        where slots.State == "Releasing" && slots.OldestSeconds > QuarantineSeconds
        select new Issue(
            "GPU_LOCK_DEADLOCK_DETECTED", IssueSeverity.Critical, slots.Pool,
            $"{slots.Count} slots were given back, the oldest {slots.OldestSeconds:0} s ago, and their pods have not ended: "
            + "their devices are the kubelet's until then");

    static IEnumerable<Issue> Deadlocks(MonitoringFacts facts) =>
        from leases in facts.State.Deadlocked
        where leases.Count > 0
        select new Issue(
            "GPU_LOCK_DEADLOCK_DETECTED", IssueSeverity.Critical, leases.Pool,
            $"{leases.Count} leases are held by somebody who is silent, stands still or is beyond the hard limit, for "
            + $"{leases.OldestSeconds:0} s; the pool detects only, a person has to end them");

    static IEnumerable<Issue> Degraded(MonitoringFacts facts) =>
        from devices in facts.State.Fitness
        where devices is { Fitness: "Degraded", Count: > 0 }
        select new Issue(
            "FrameleaseDeviceDegraded", IssueSeverity.Warning, devices.Pool,
            $"{devices.Count} devices are degraded and get no lease, for example {devices.Example}");

    // The share of workers that fell silent, of all that were heard of.
    static IEnumerable<Issue> Heartbeats(MonitoringFacts facts)
    {
        var silent = facts.Recent.Sum(r => r.Silent);
        var all = facts.Recent.Sum(r => r.Granted) + facts.State.Attached.Count;
        if (silent > HeartbeatFailureRate * Math.Max(all, silent))
        {
            yield return new Issue(
                "HEARTBEAT_FAILURE_RATE_HIGH", IssueSeverity.Warning, "",
                $"{silent} of {Math.Max(all, silent)} workers fell silent within {WindowMinutes} minutes");
        }
    }
}
