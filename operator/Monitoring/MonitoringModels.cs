// The JSON of /api/v1/monitoring: field names, types and units are the contract of the system that this one replaces. Times in Unix
// seconds.
using System.Text.Json.Serialization;

namespace Framelease.Operator.Monitoring;

/// <param name="OverallStatus">healthy, degraded (a warning) or unhealthy (something critical).</param>
/// <param name="SuccessRate">Granted leases in all that were decided, 0–1; 1 when none was.</param>
/// <param name="TimeoutRate">Leases that a time limit ended in all that were decided, 0–1.</param>
/// <param name="AverageExecutionTime">Mean seconds from grant to end.</param>
/// <param name="RecentSuccessRate">As the success rate, of the last 100 decided leases.</param>
/// <param name="LockHolder">The longest holder; null = nobody holds anything.</param>
/// <param name="LockAge">For how many seconds; 0 without a holder.</param>
sealed record LockHealth(
    string OverallStatus, int IssuesCount, long TotalAttempts, double SuccessRate, double TimeoutRate, double AverageExecutionTime,
    double RecentSuccessRate, string? LockHolder, double LockAge, double Timestamp);

/// <param name="ActiveTasks">By task id: <c>uid</c>, and <c>uid/scene</c> for scenes after the first; a lease without a task by its own uid.</param>
/// <param name="DeadTasks">Silent for longer than their timeout, or given up for silence and their slot not proven free yet.</param>
/// <param name="OrphanedTasks">Still at work although their task is over or their lease is gone.</param>
sealed record HeartbeatReport(
    IReadOnlyDictionary<string, TaskHeartbeat> ActiveTasks, IReadOnlyList<string> DeadTasks, IReadOnlyList<string> OrphanedTasks,
    HeartbeatStatistics Statistics);

/// <param name="Status">running.</param>
/// <param name="Progress">0–100.</param>
sealed record TaskHeartbeat(string Status, double Progress, string Message, double LastHeartbeat);

sealed record HeartbeatStatistics(long TotalTasks, long ActiveTasks, long DeadTasks, long HeartbeatFailures);

sealed record MonitoringStatistics(double Timestamp, LockSummary GpuLock, MonitorReport Monitor);

sealed record LockSummary(string OverallStatus, long TotalAttempts, double SuccessRate);

sealed record MonitorReport(MonitorStatus MonitorStatus, MonitorCounts MonitorStats);

/// <param name="Status">running, or stopped when nobody has looked for 90 s.</param>
sealed record MonitorStatus(string Status, long HealthyChecks, long UnhealthyChecks);

sealed record MonitorCounts(long TotalChecks, long WarningCount, long SuccessfulRecoveries);

/// <param name="LockKey">gpu_lock:N, DEVICE, NODE/DEVICE or NODE/DEVICE#SLOT.</param>
/// <param name="Reason">For the history, at most 512 characters.</param>
sealed record ReleaseLockRequest(string LockKey, string? Reason);

/// <param name="Lock">The slot: NODE/DEVICE#SLOT.</param>
/// <param name="State">Of the slot now: Quarantined after the lease of a worker that had attached was revoked, else Free.</param>
sealed record ReleaseLockReply(
    bool Released, string LockKey, string Lock, string State, string? Holder, string? Lease, long Token, string ReleasedBy,
        double Timestamp);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LockHealth))]
[JsonSerializable(typeof(HeartbeatReport))]
[JsonSerializable(typeof(MonitoringStatistics))]
[JsonSerializable(typeof(MonitorReport))]
[JsonSerializable(typeof(ReleaseLockRequest))]
[JsonSerializable(typeof(ReleaseLockReply))]
sealed partial class MonitoringJson : JsonSerializerContext;
