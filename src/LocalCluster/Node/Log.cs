using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Node;

/// <summary>What the node says. Event ids 3000–3099.</summary>
static partial class Log
{
    [LoggerMessage(3000, LogLevel.Warning, "The shim of {Run} is gone without an exit record; {Killed} processes were left and are killed")]
    internal static partial void ShimVanished(ILogger logger, string run, int killed);

    [LoggerMessage(3001, LogLevel.Warning, "Pod {Namespace}/{Name}: a step failed, next in {Milliseconds} ms: {Message}")]
    internal static partial void StepFailed(ILogger logger, string? @namespace, string? name, double milliseconds, string message, Exception? exception);

    [LoggerMessage(3002, LogLevel.Warning, "Pod {Uid} is on disk but no longer in the API server; ending what is left of it")]
    internal static partial void EndingOrphan(ILogger logger, string uid);

    [LoggerMessage(3003, LogLevel.Information, "Node {Name} registered with {Devices} x {Resource}")]
    internal static partial void Registered(ILogger logger, string name, int devices, string resource);

    [LoggerMessage(3004, LogLevel.Warning, "Node {Name} is not registered yet: {Message}")]
    internal static partial void NotRegistered(ILogger logger, string name, string message);

    [LoggerMessage(3005, LogLevel.Information, "The platform stops: pods end with at most {Seconds} s of grace")]
    internal static partial void Draining(ILogger logger, int seconds);

    [LoggerMessage(3006, LogLevel.Information, "Proofs: {Line}")]
    internal static partial void Proofs(ILogger logger, string line);

    [LoggerMessage(3007, LogLevel.Warning, "Slots in quarantine are not proven free by this node: {Why}")]
    internal static partial void ProvesNothing(ILogger logger, string why);
}
