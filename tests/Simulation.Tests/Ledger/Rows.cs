// Rows of the simulated database. Immutable, so that a copy of the tables is a backup.
using Framelease.Domain.Leasing;

namespace Framelease.Simulation.Tests.Ledger;

sealed record StoredEvent(long Sequence, string Stream, long Version, object Data, DateTimeOffset At, string Actor);

sealed record SlotRow(SlotSnapshot Slot, string? Reason, long TokenFloor, DateTimeOffset ChangedAt)
{
    public SlotKey Key => Slot.Key;

    public string? BoundUuid { get; init; }

    public long BoundToken { get; init; }
}

sealed record LeaseRow(LeaseRequested Request, DateTimeOffset RequestedAt)
{
    public string State { get; init; } = "Pending";

    public bool Attached { get; init; }

    public DateTimeOffset? GrantedAt { get; init; }

    public DateTimeOffset? WarnedAt { get; init; }

    public DateTimeOffset? StalledAt { get; init; }

    public DateTimeOffset? DrainAt { get; init; }

    public DrainCause DrainCause { get; init; }

    public int DrainSeconds { get; init; }

    public string? DrainMessage { get; init; }

    public DateTimeOffset? DetectedAt { get; init; }

    public ExpiryCause? DetectedCause { get; init; }

    public bool IsDetected => Request.Terms.DetectOnly is true && DetectedAt is not null;

    public string? Cluster { get; init; }

    public string? Device { get; init; }

    public int Points => Request.Claim?.Points() ?? 0;

    public DeviceNeed Need => Request.Claim?.Need ?? DeviceNeed.None;

    public string Tenant => Request.Claim?.Tenant ?? "";

    public DateTimeOffset QueueAt => RequestedAt.AddSeconds(-60.0 * Points);

    public DateTimeOffset? GiveUpAt => Request.Terms.MaxWaitSeconds > 0 ? RequestedAt.AddSeconds(Request.Terms.MaxWaitSeconds) : null;

    public bool IsHeld => State is "Granted" or "Draining";
}

sealed record TaskRow(string Uid, string Namespace, string Name, DateTimeOffset CreatedAt, string Phase);

sealed record AttemptView(Framelease.Operator.Ledger.AttemptRow Row, string State, int Timeout);

sealed record LivenessRow(DateTimeOffset BeatAt, DateTimeOffset ProgressAt)
{
    public long Sequence { get; init; }

    public string Phase { get; init; } = "Attached";

    public long Frames { get; init; }

    public long TotalFrames { get; init; }

    public long FpsMillis { get; init; }

    public long SpeedMillis { get; init; }

    public int PerMille { get; init; }

    public long OutputBytes { get; init; }

    public string? Message { get; init; }

    public long Progress { get; init; }

    public DateTimeOffset? DrainToldAt { get; init; }
}

sealed record HolderRow(string Holder, int Timeout, DateTimeOffset BeatAt, DateTimeOffset ProgressAt)
{
    public long Sequence { get; init; }

    public int PerMille { get; init; }

    public string? Message { get; init; }

    public long Progress { get; init; }

    public DateTimeOffset? DrainToldAt { get; init; }
}

sealed record EpochRow(string? Holder, long Epoch, DateTimeOffset RenewedAt);
