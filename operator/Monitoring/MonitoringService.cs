namespace Framelease.Operator.Monitoring;

/// <summary>Answers the monitoring API from views and tables.</summary>
sealed class MonitoringService(IPlatformReads reads)
{
    /// <summary>How many decided leases are "recent".</summary>
    const int Recent = 100;

    /// <summary>Three looks of the monitor.</summary>
    const double RunningWithinSeconds = 90;

    public async Task<LockHealth> ReadHealthAsync(CancellationToken cancel)
    {
        var sums = Totals.Of(await reads.ReadSumsAsync(cancel));
        var issues = IssueRules.Find(await reads.ReadFactsAsync(IssueRules.WindowMinutes, cancel));
        var recent = await reads.ReadRecentAsync(Recent, cancel);
        var longest = await reads.ReadLongestHolderAsync(cancel);
        return new LockHealth(
            Status(issues), issues.Count, sums.Attempts, sums.SuccessRate, sums.TimeoutRate, sums.AverageExecutionSeconds,
            recent.Decided == 0 ? 1 : (double)recent.Granted / recent.Decided, longest?.Holder, longest?.Seconds ?? 0, Unix(recent.Now));
    }

    public async Task<HeartbeatReport> ReadHeartbeatsAsync(CancellationToken cancel)
    {
        var workers = await reads.ReadWorkersAsync(cancel);
        var failures = Totals.Of(await reads.ReadSumsAsync(cancel)).HeartbeatFailures;
        var active = workers.Where(w => w.Kind is WorkerKind.Active)
            .ToDictionary(w => w.Id, w => new TaskHeartbeat("running", w.PerMille / 10.0, w.Message ?? "", Unix(w.BeatAt)),
                StringComparer.Ordinal);
        string[] dead = [.. workers.Where(w => w.Kind is WorkerKind.Dead).Select(w => w.Id)];
        string[] orphaned = [.. workers.Where(w => w.Kind is WorkerKind.Orphaned).Select(w => w.Id)];
        return new HeartbeatReport(active, dead, orphaned, new HeartbeatStatistics(workers.Count, active.Count, dead.Length, failures));
    }

    public async Task<MonitoringStatistics> ReadStatisticsAsync(CancellationToken cancel)
    {
        var sums = Totals.Of(await reads.ReadSumsAsync(cancel));
        var facts = await reads.ReadFactsAsync(IssueRules.WindowMinutes, cancel);
        var summary = new LockSummary(Status(IssueRules.Find(facts)), sums.Attempts, sums.SuccessRate);
        return new MonitoringStatistics(Unix(facts.State.Now), summary, await ReadMonitorAsync(cancel));
    }

    public async Task<MonitorReport> ReadMonitorAsync(CancellationToken cancel)
    {
        var checks = await reads.ReadChecksAsync(cancel);
        var recoveries = Totals.Of(await reads.ReadSumsAsync(cancel)).Recoveries;
        return new MonitorReport(
            new MonitorStatus(checks.AgeSeconds <= RunningWithinSeconds ? "running" : "stopped", checks.Total - checks.Unhealthy,
                checks.Unhealthy),
            new MonitorCounts(checks.Total, checks.Warnings, recoveries));
    }

    static string Status(IReadOnlyList<Issue> issues) =>
        issues.Any(i => i.Severity is IssueSeverity.Critical) ? "unhealthy" : issues.Count > 0 ? "degraded" : "healthy";

    static double Unix(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;
}

/// <summary>All pools together, since the log began.</summary>
sealed record Totals(long Attempts, long Granted, long GaveUp, long TimedOut, long HeartbeatFailures, long Recoveries, long Ended,
    long HeldMillis)
{
    public double SuccessRate => Decided == 0 ? 1 : (double)Granted / Decided;

    public double TimeoutRate => Decided == 0 ? 0 : Math.Min(1, (double)TimedOut / Decided);

    public double AverageExecutionSeconds => Ended == 0 ? 0 : HeldMillis / 1000.0 / Ended;

    long Decided => Granted + GaveUp;

    public static Totals Of(IReadOnlyList<Sum> sums)
    {
        long Count(string metric, Func<Sum, bool>? which = null) =>
            sums.Where(s => s.Metric == metric && which?.Invoke(s) is not false).Sum(s => s.Count);
        return new Totals(
            Count("lease_requests"), Count("grants"), Count("ended_GaveUp"),
            Count("ended_GaveUp", s => s.Detail == "MaxWaitExceeded") + Count("ended_Expired", s => s.Detail != "PodEnded"),
            Count("ended_Expired", s => s.Detail == "HeartbeatLost"), Count("recovery"), Count("held"),
            sums.Where(s => s.Metric == "held").Sum(s => s.Millis));
    }
}
