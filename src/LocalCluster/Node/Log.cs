using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary>What the node says. Event ids 3000–3099.</summary>
static partial class Log
{
    [LoggerMessage(3000, LogLevel.Warning, "The shim of {Run} is gone without an exit record; {Killed} processes were left and are killed")]
    internal static partial void ShimVanished(ILogger logger, string run, int killed);

    [LoggerMessage(3001, LogLevel.Warning, "Pod {Namespace}/{Name}: a step failed, next in {Milliseconds} ms: {Message}")]
    internal static partial void StepFailed(ILogger logger, string? @namespace, string? name, double milliseconds, string message, Exception? exception);
}
