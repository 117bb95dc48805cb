using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer;

/// <summary>Every message that the API server logs. Event ids 1000 to 1199 are its range and are never reused.</summary>
static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "API server ready at {Url}, {Objects} objects at revision {Revision}, data in {Directory}")]
    public static partial void Ready(ILogger logger, string url, int objects, long revision, string directory);

    [LoggerMessage(1001, LogLevel.Warning, "The last write to {Path} was cut short by a crash before it was acknowledged; the log goes on at byte {Length}")]
    public static partial void TornTail(ILogger logger, string path, long length);

    [LoggerMessage(1002, LogLevel.Error, "Appending to {Path} failed; the request was refused")]
    public static partial void AppendFailed(ILogger logger, string path, Exception error);

    [LoggerMessage(1003, LogLevel.Debug, "Object log compacted at revision {Revision}")]
    public static partial void Compacted(ILogger logger, long revision);

    [LoggerMessage(1004, LogLevel.Warning, "Compacting the object log failed; it will be tried again")]
    public static partial void CompactionFailed(ILogger logger, Exception error);

    [LoggerMessage(1005, LogLevel.Critical, "The object store failed; the API server ends")]
    public static partial void StoreFailed(ILogger logger, Exception error);

    [LoggerMessage(1010, LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception error);

    [LoggerMessage(1011, LogLevel.Debug, "{Method} {Path} {Code} for {User}")]
    public static partial void Request(ILogger logger, string method, string path, int code, string user);

    [LoggerMessage(1020, LogLevel.Error, "The {Loop} loop failed on {Item}; it goes on")]
    public static partial void LoopFailed(ILogger logger, string loop, string item, Exception error);

    [LoggerMessage(1021, LogLevel.Debug, "Collected {Resource} {Key}: its owners are gone")]
    public static partial void Collected(ILogger logger, string resource, string key);
}
