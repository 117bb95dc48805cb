namespace Framelease.Operator.Monitoring;

/// <summary>Everything that metrics, alerts and the monitoring API ask of the database: views and tables are read, nothing is
/// written.</summary>
interface IPlatformReads
{
    /// <summary>All sums, in the order of their keys.</summary>
    Task<IReadOnlyList<Sum>> ReadSumsAsync(CancellationToken cancel);

    Task<PlatformState> ReadStateAsync(CancellationToken cancel);

    /// <summary>The present state, and what was decided in the last minutes (false expiries: in the last hour).</summary>
    Task<MonitoringFacts> ReadFactsAsync(int minutes, CancellationToken cancel);

    /// <summary>How many of the last decided leases were granted.</summary>
    Task<RecentGrants> ReadRecentAsync(int leases, CancellationToken cancel);

    /// <returns>Null when nobody holds anything.</returns>
    Task<LongestHolder?> ReadLongestHolderAsync(CancellationToken cancel);

    /// <summary>Every worker that is, or should be, heard of.</summary>
    Task<IReadOnlyList<WorkerRow>> ReadWorkersAsync(CancellationToken cancel);

    /// <summary>What the monitor has done so far.</summary>
    Task<MonitorChecks> ReadChecksAsync(CancellationToken cancel);

    /// <summary>All slots that belong to a pool.</summary>
    Task<IReadOnlyList<SlotRow>> ReadSlotsAsync(CancellationToken cancel);

    /// <summary>Leases, newest request first.</summary>
    Task<IReadOnlyList<LeaseRow>> ReadLeasesAsync(LeaseFilter filter, CancellationToken cancel);

    /// <summary>Tasks that the log knows, latest accepted first.</summary>
    Task<IReadOnlyList<TaskRow>> ReadTasksAsync(TaskFilter filter, CancellationToken cancel);

    /// <summary>Who had a device's slots at a moment, quarantine included.</summary>
    Task<IReadOnlyList<LeaseRow>> ReadHoldersAsync(string pool, string device, DateTimeOffset at, CancellationToken cancel);
}

/// <summary>A row of the statistics.</summary>
sealed record Sum(string Metric, string Label, string Detail, int Bucket, long Count, long Millis);

/// <summary>The platform at one moment, by PostgreSQL's clock.</summary>
/// <param name="Waiting">Waiting leases by pool, with the longest wait.</param>
/// <param name="Attached">How many attempts are attached, and the longest silence among them in parts of its timeout.</param>
sealed record PlatformState(
    DateTimeOffset Now, IReadOnlyList<SlotCount> Slots, IReadOnlyList<QueueLength> Waiting, AttachedState Attached, long LogPosition)
{
    /// <summary>Devices that are held, as their holders told last; a device of several slots once.</summary>
    public IReadOnlyList<DeviceState> Devices { get; init; } = [];

    /// <summary>Held leases of pools that detect only and have something to tell of, by pool.</summary>
    public IReadOnlyList<QueueLength> Deadlocked { get; init; } = [];

    /// <summary>Devices by pool and health.</summary>
    public IReadOnlyList<FitnessCount> Fitness { get; init; } = [];
}

/// <param name="Fitness">Healthy, Degraded or Probation.</param>
/// <param name="Example">NODE/DEVICE: reason, of the one that is longest so; null for healthy ones.</param>
sealed record FitnessCount(string Pool, string Fitness, long Count, string? Example);

sealed record DeviceState(string Pool, string Node, string Device, DeviceNow Now);

/// <param name="OldestSeconds">Since when the slot that is longest in this state is in it.</param>
sealed record SlotCount(string Pool, string State, long Count, double OldestSeconds);

sealed record QueueLength(string Pool, long Count, double OldestSeconds);

sealed record AttachedState(long Count, double LongestSilenceSeconds, double LongestSilenceRatio);

sealed record RecentGrants(DateTimeOffset Now, long Decided, long Granted);

sealed record LongestHolder(string Holder, double Seconds);

enum WorkerKind
{
    Active,
    Dead,
    Orphaned,
}

/// <param name="Id">The task's uid, with <c>/scene</c> for scenes after the first; without a task the lease's uid.</param>
sealed record WorkerRow(string Id, WorkerKind Kind, int PerMille, string? Message, DateTimeOffset BeatAt);

sealed record MonitorChecks(long Total, long Unhealthy, long Warnings, double AgeSeconds);

/// <summary>A slot as lists show it.</summary>
sealed record SlotRow(
    string Pool, string Node, string Device, int Index, int Slot, string Name, string Kind, string State, string? Reason, long Token,
        string? Lease,
    string? Holder, DateTimeOffset Since, DeviceNow? Now = null, string? OutOfService = null, DeviceHealthNow? Health = null);

/// <summary>Of a device that is not healthy.</summary>
/// <param name="Fitness">Degraded: no lease; Probation: one lease at a time, after all others.</param>
/// <param name="FoundBy">Node or Probe.</param>
/// <param name="Failures">Failed probes in a row.</param>
sealed record DeviceHealthNow(string Fitness, string? FoundBy, string? Reason, int Failures, DateTimeOffset Since);

/// <summary>A device as its holder told with its last beat; null = not told.</summary>
/// <param name="ToldSecondsAgo">Age of that beat.</param>
sealed record DeviceNow(int? UtilisationPercent, long? MemoryUsedMiB, long? MemoryTotalMiB, int? TemperatureCelsius, double ToldSecondsAgo);

/// <summary>A lease as lists show it, also after its object is gone.</summary>
/// <param name="Sequence">Of its request in the log; lists go on from it.</param>
/// <param name="State">Pending, Granted, Quarantined, or how it ended.</param>
sealed record LeaseRow(
    string Uid, string Namespace, string Name, string Pool, string Holder, string State, string? Cause, string? Node, string? Device,
        int? Slot,
    long? Token, DateTimeOffset RequestedAt, DateTimeOffset? GrantedAt, DateTimeOffset? AttachedAt, DateTimeOffset? EndedAt,
    DateTimeOffset? FreedAt, string? Proof, [property: System.Text.Json.Serialization.JsonIgnore] long Sequence);

/// <param name="Before">Only requests before this number of the log; null = from the newest on.</param>
sealed record LeaseFilter(string? Namespace, string? Pool, string? State, long? Before, int Limit);
