using Microsoft.Extensions.Logging;

namespace Framelease.EventStore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Schema {Component}: update {Number} {Name} applied")]
    public static partial void UpdateApplied(ILogger logger, string component, int number, string name);

    [LoggerMessage(2, LogLevel.Warning, "Schema {Component} is at update {Found}, newer than this program's {Known}: going on (updates only add)")]
    public static partial void SchemaIsNewer(ILogger logger, string component, int found, int known);

    [LoggerMessage(3, LogLevel.Warning, "The connection was lost while command {CommandId} was being committed: seeking its outcome")]
    public static partial void SeekingOutcome(ILogger logger, string commandId, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "NOTIFY was not sent; other processes see the append at their next poll")]
    public static partial void NotifyFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Information, "The listening connection was lost; polling until it is back")]
    public static partial void ListenerLost(ILogger logger, Exception exception);

    [LoggerMessage(6, LogLevel.Warning, "A subscription at position {Position} waits for the database")]
    public static partial void SubscriptionWaits(ILogger logger, long position, Exception exception);

    [LoggerMessage(7, LogLevel.Warning, "{Count} stuck connections of the last leader of role {Role} in cluster {Cluster} were ended to take over")]
    public static partial void BlockersEnded(ILogger logger, long count, string role, string cluster);

    [LoggerMessage(8, LogLevel.Warning, "Connections that keep role {Role} in cluster {Cluster} from being taken over could not be ended")]
    public static partial void BlockersStay(ILogger logger, string role, string cluster, Exception exception);

    [LoggerMessage(20, LogLevel.Warning, "{Name} at position {Position} waits for the database")]
    public static partial void ProjectionWaits(ILogger logger, string name, long position, Exception exception);

    [LoggerMessage(
        21, LogLevel.Error, "{Name} cannot apply what comes after position {Position}; no event is skipped, it tries again in {Pause}")]
    public static partial void ProjectionFailed(ILogger logger, string name, long position, TimeSpan pause, Exception exception);

    [LoggerMessage(22, LogLevel.Warning,
        "{Count} connections were ended that held the log back at {Position}: their clients were silent for {Patience}")]
    public static partial void StuckWritersEnded(ILogger logger, long count, long position, TimeSpan patience);

    [LoggerMessage(23, LogLevel.Warning, "The log has been held back at {Position} for {Held} by a writer that is still at work")]
    public static partial void PositionHeld(ILogger logger, long position, TimeSpan held);

    [LoggerMessage(24, LogLevel.Information, "Projection {Name}: version {Version} is made beside the running view")]
    public static partial void RebuildingForVersion(ILogger logger, string name, int version);

    [LoggerMessage(25, LogLevel.Information,
        "Projection {Name}: version {Version} was made anew of {Events} events up to position {Position} in {Elapsed}")]
    public static partial void Rebuilt(ILogger logger, string name, int version, long events, long position, TimeSpan elapsed);

    [LoggerMessage(29, LogLevel.Information, "Inline view {Name}: version {Version} is new to this log and is made anew of it; this may take minutes")]
    public static partial void RebuildNeeded(ILogger logger, string name, int version);

    [LoggerMessage(27, LogLevel.Warning, "The kept state of stream {Stream} cannot be read; its events are, all of them")]
    public static partial void SnapshotUnreadable(ILogger logger, string stream, Exception exception);

    [LoggerMessage(28, LogLevel.Warning, "The state of stream {Stream} could not be kept; the next load reads its events again")]
    public static partial void SnapshotNotKept(ILogger logger, string stream, Exception exception);

    [LoggerMessage(26, LogLevel.Warning, "Projection {Name}: what the rebuild left behind could not be dropped; the next one will")]
    public static partial void ShadowStays(ILogger logger, string name, Exception exception);
}
