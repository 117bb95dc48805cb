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
}
