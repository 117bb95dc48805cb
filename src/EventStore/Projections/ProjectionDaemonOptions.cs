namespace Framelease.EventStore;

/// <summary>What a <see cref="ProjectionDaemon"/> bounds.</summary>
public sealed record ProjectionDaemonOptions
{
    /// <value>Most events in one transaction of a view. Default 2,000; 1 to 10,000.</value>
    public int BatchSize { get; init; } = 2000;

    /// <value>How long a projection or subscription that failed waits before it tries the same event again. Default 10 s.</value>
    public TimeSpan RetryFailedAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <value>
    /// How long this replica, having found another at work on a projection, lets it stand still before it takes over. Default 3 s.
    /// </value>
    public TimeSpan StandBackFor { get; init; } = TimeSpan.FromSeconds(3);

    /// <value>
    /// How long the client of an appending transaction may keep silent in the middle of it, before its connection is ended so that readers
    /// can go on. Default 15 s, three times what our own connections may; nothing is skipped, the append is rolled back.
    /// </value>
    public TimeSpan EndStuckWritersAfter { get; init; } = TimeSpan.FromSeconds(15);

    internal void Validate()
    {
        if (BatchSize is < 1 or > 10_000) throw new ArgumentException($"BatchSize is {BatchSize}; allowed is 1 to 10,000.");
        foreach (var (name, value) in new[]
        {
            (nameof(RetryFailedAfter), RetryFailedAfter), (nameof(StandBackFor), StandBackFor),
            (nameof(EndStuckWritersAfter), EndStuckWritersAfter),
        })
            if (value <= TimeSpan.Zero) throw new ArgumentException($"{name} is {value}; it must be positive.");
    }
}
