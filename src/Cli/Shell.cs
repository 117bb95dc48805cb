using Framelease.Cli.Terminal;

namespace Framelease.Cli;

/// <summary>What a command may touch of the world around it; tests pass their own.</summary>
sealed record Shell
{
    public required CommandConsole Console { get; init; }

    public required TimeProvider Time { get; init; }

    public required Random Random { get; init; }

    public required Func<Guid> NewId { get; init; }

    /// <summary>Value of an environment variable, or null.</summary>
    public required Func<string, string?> Environment { get; init; }
}
