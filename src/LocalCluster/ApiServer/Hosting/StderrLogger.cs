using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Hosting;

/// <summary>One line a message on standard error. The full console logger costs start-up time and memory that this process saves.</summary>
sealed class StderrLogger(TimeProvider time, LogLevel least) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var line = $"{time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {Short(logLevel)} {eventId.Id} {formatter(state, exception)}";
        Console.Error.WriteLine(exception is null ? line : $"{line}: {exception}");
    }

    static string Short(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        _ => "error",
    };
}
