using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Supervision;

/// <summary>What the supervisor says. Event ids 3100–3199.</summary>
static partial class Log
{
    [LoggerMessage(3100, LogLevel.Warning, "{Child} {Ending}; it starts again in {Milliseconds} ms")]
    internal static partial void ChildEnded(ILogger logger, string child, string ending, double milliseconds);

    [LoggerMessage(3101, LogLevel.Warning, "{Child} did not end within {Seconds} s and is killed")]
    internal static partial void ChildKilled(ILogger logger, string child, double seconds);

    [LoggerMessage(3102, LogLevel.Information, "A killed platform left process {Pid} on {Directory}: ending it")]
    internal static partial void EndingLeftover(ILogger logger, int pid, string directory);
}
