using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.Postgres;

internal static partial class Log
{
    [LoggerMessage(701, LogLevel.Information, "PostgreSQL {Major} accepts connections: pid {Pid}, data {Data}, socket {Socket}, after {Milliseconds} ms")]
    public static partial void ServerReady(ILogger logger, int major, int pid, string data, string socket, long milliseconds);

    [LoggerMessage(702, LogLevel.Information, "A killed owner left PostgreSQL pid {Pid} on {Data}: ending it")]
    public static partial void EndingLeftover(ILogger logger, int pid, string data);

    [LoggerMessage(703, LogLevel.Warning, "PostgreSQL pid {Pid} did not stop on {Signal} within {Seconds} s")]
    public static partial void SlowStop(ILogger logger, int pid, string signal, double seconds);

    [LoggerMessage(704, LogLevel.Information, "PostgreSQL pid {Pid} ended with exit code {ExitCode}")]
    public static partial void ServerExited(ILogger logger, int pid, int exitCode);

    [LoggerMessage(705, LogLevel.Debug, "postgres: {Line}")]
    public static partial void ServerSaid(ILogger logger, string line);

    [LoggerMessage(707, LogLevel.Warning, "{File} names a process that is no server of this directory, and nobody is in there: removed")]
    public static partial void StalePostmasterFile(ILogger logger, string file);

    [LoggerMessage(706, LogLevel.Information, "Processes of the last PostgreSQL on {Data} still hold its shared memory: trying again")]
    public static partial void SharedMemoryInUse(ILogger logger, string data);
}
