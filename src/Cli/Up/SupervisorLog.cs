using Framelease.Cli.Terminal;
using Microsoft.Extensions.Logging;

namespace Framelease.Cli.Up;

/// <summary>The supervisor's warnings, one line each on standard error; everything else is in the logs of the parts.</summary>
sealed class SupervisorLog(CommandConsole console, TimeProvider time) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            console.Error.WriteLine($"{Format.Clock(time.GetUtcNow())} {Format.OneLine(formatter(state, exception) + (exception is null ? "" : ": " + exception.Message), 500)}");
    }
}
