namespace Framelease.LocalCluster.Supervision;

/// <summary>One child process of the platform, as data.</summary>
/// <param name="Name">Lower-case word; names its log and its record.</param>
/// <param name="Program">Absolute path.</param>
/// <param name="Arguments">Never secrets: every user of the machine may read them.</param>
public sealed record ChildSpec(string Name, string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>Added to the variables of this process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>True once the child serves; asked every 20 ms after its start. Null: ready when started. It must not throw.</summary>
    public Func<CancellationToken, Task<bool>>? Readiness { get; init; }

    /// <summary>Signal that asks the child to end. Default SIGTERM (15).</summary>
    public int StopSignal { get; init; } = 15;

    /// <summary>After it, SIGKILL. Default 10 s.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What a part of the platform is doing.</summary>
public enum ComponentPhase
{
    Starting,
    Ready,

    /// <summary>It ended by itself and starts again after a pause.</summary>
    Restarting,
    Stopping,
    Stopped,
}

/// <summary>A change that a person may want to see.</summary>
/// <param name="Detail">Why, or where to look; null when there is nothing to say.</param>
public sealed record ComponentChange(string Component, ComponentPhase Phase, string? Detail, DateTimeOffset At);

/// <summary>The platform can not start or go on; the message says why and how to mend it.</summary>
public sealed class PlatformException(string message, Exception? inner = null) : Exception(message, inner);
