// Every log line of this library, with stable event ids.
using Microsoft.Extensions.Logging;

namespace Framelease.Kubernetes.Diagnostics;

static partial class Log
{
    [LoggerMessage(EventId = 1001, Level = LogLevel.Debug, Message = "{Verb} {Path}: try {Attempt} failed, again in {WaitMs:F0} ms: {Error}")]
    public static partial void Retrying(ILogger logger, string verb, string path, int attempt, double waitMs, string error);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Warning, Message = "rotated certificate files are not usable yet, the old ones stay: {Error}")]
    public static partial void CertificatesNotRead(ILogger logger, string error);

    [LoggerMessage(EventId = 1101, Level = LogLevel.Debug, Message = "{Resource}: listed {Count} objects, now {State}")]
    public static partial void Listed(ILogger logger, string resource, int count, object state);

    [LoggerMessage(EventId = 1102, Level = LogLevel.Warning, Message = "{Resource}: watch failed in state {State}, again in {WaitMs:F0} ms: {Error}")]
    public static partial void WatchFailed(ILogger logger, string resource, string state, double waitMs, string error);

    [LoggerMessage(EventId = 1103, Level = LogLevel.Error, Message = "{Resource}: a handler of store changes threw; the store goes on")]
    public static partial void HandlerFailed(ILogger logger, string resource, Exception error);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Information, Message = "{Controller}: started with {Workers} workers")]
    public static partial void ControllerStarted(ILogger logger, string controller, int workers);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Information, Message = "{Controller}: stopped")]
    public static partial void ControllerStopped(ILogger logger, string controller);

    [LoggerMessage(EventId = 1203, Level = LogLevel.Warning, Message = "{Controller} {Key}: failed, again in {WaitMs:F0} ms (failure {Failures})")]
    public static partial void ReconcileFailed(
        ILogger logger, string controller, string key, double waitMs, int failures, Exception error);

    [LoggerMessage(EventId = 1204, Level = LogLevel.Error, Message = "{Controller} {Key}: failed for good, until the object changes")]
    public static partial void ReconcileTerminal(ILogger logger, string controller, string key, Exception error);

    [LoggerMessage(EventId = 1205, Level = LogLevel.Error, Message = "{Controller}: a source's mapping threw for {Object}; that change is skipped until the resync")]
    public static partial void MappingFailed(ILogger logger, string controller, string @object, Exception error);

    [LoggerMessage(EventId = 1206, Level = LogLevel.Warning, Message = "{Controller} {Key}: another writer was first, again in {WaitMs:F0} ms")]
    public static partial void ReconcileConflict(ILogger logger, string controller, string key, double waitMs);

    [LoggerMessage(EventId = 1207, Level = LogLevel.Warning, Message = "{Object}: finalizer {Finalizer} let it go at its deadline although it still waited for {What}")]
    public static partial void LetGo(ILogger logger, string @object, string finalizer, string what);

    [LoggerMessage(EventId = 1208, Level = LogLevel.Debug, Message = "{Object}: condition {Type} not written, again with the next look: {Error}")]
    public static partial void ConditionNotWritten(ILogger logger, string @object, string type, string error);

    [LoggerMessage(EventId = 1401, Level = LogLevel.Information, Message = "election {Name}: {Identity} leads under epoch {Epoch}")]
    public static partial void LeadTaken(ILogger logger, string name, string identity, long epoch);

    [LoggerMessage(EventId = 1402, Level = LogLevel.Warning, Message = "election {Name}: {Identity} lost the lead; its work must end")]
    public static partial void LeadLost(ILogger logger, string name, string identity);

    [LoggerMessage(EventId = 1403, Level = LogLevel.Information, Message = "election {Name}: {Identity} gave the lead back")]
    public static partial void LeadReleased(ILogger logger, string name, string identity);

    [LoggerMessage(EventId = 1404, Level = LogLevel.Warning, Message = "election {Name}: {Error}")]
    public static partial void ElectionFailed(ILogger logger, string name, string error);

    [LoggerMessage(EventId = 1301, Level = LogLevel.Debug, Message = "event {Reason} on {Object} not recorded: {Error}")]
    public static partial void EventNotRecorded(ILogger logger, string reason, string @object, string error);
}
