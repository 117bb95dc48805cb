namespace Framelease.EventStore;

/// <summary>
/// Keeps the store's asynchronous projections and its subscriptions up with the log. Run one in each replica: they share the work of
/// nothing, but take over from each other, and each view is written exactly once whatever happens to any of them.
/// </summary>
public interface IProjectionDaemon
{
    /// <summary>
    /// Follows the log until cancelled. Outages of the database, and projections that fail, are told by <see cref="ReadHealthAsync"/>, the
    /// log and metrics; they never end it.
    /// </summary>
    Task RunAsync(CancellationToken ct);

    /// <summary>Completes when everything that was committed before the call is in all asynchronous views and was given to all
    /// subscriptions.</summary>
    /// <exception cref="InvalidOperationException">The daemon does not run here.</exception>
    /// <exception cref="ProjectionException">One of them has failed: it will not come to it.</exception>
    Task CatchUpAsync(CancellationToken ct);

    /// <summary>How far every follower is behind, and what holds the log back. Also where no daemon runs: then from the stored positions
    /// alone.</summary>
    Task<LogHealth> ReadHealthAsync(CancellationToken ct);
}

/// <summary>The state of the log and of those who follow it.</summary>
/// <param name="Position">Up to here the log is complete for ever.</param>
/// <param name="LastSequence">The last number drawn; more than the position while somebody is appending.</param>
/// <param name="OldestGap">How long ago the oldest transaction began that holds the position back; zero when none does.</param>
/// <param name="Now">PostgreSQL's clock.</param>
public sealed record LogHealth(
    long Position, long LastSequence, TimeSpan OldestGap, DateTimeOffset Now, IReadOnlyList<ProjectionHealth> Projections);

/// <param name="Position">The stored position; null before the first start.</param>
/// <param name="Lag">Positions of the log that it has not looked at yet; not all of them need be its events.</param>
/// <param name="LagAge">How long the oldest event that it lacks has been there; zero when it lacks none.</param>
/// <param name="Problem">Why it stands still, and what to do; null while it does not.</param>
public sealed record ProjectionHealth(
    string Name, string Identity, ProjectionKind Kind, ProjectionState State, long? Position, long Lag, TimeSpan LagAge, string? Problem);

/// <summary>What follows the log.</summary>
public enum ProjectionKind
{
    Projection,
    Subscription,
}

/// <summary>What a follower does in this process.</summary>
public enum ProjectionState
{
    /// <summary>No daemon runs here.</summary>
    NotHere,
    Starting,
    Running,

    /// <summary>Another replica does the work.</summary>
    StandingBack,

    /// <summary>For the database, or for a rebuild elsewhere.</summary>
    Waiting,

    /// <summary>A new version of the view is made beside the old one.</summary>
    Rebuilding,

    /// <summary>A newer program's version is the current one.</summary>
    Superseded,

    /// <summary>It stands in front of an event that it cannot apply, and tries again from time to time.</summary>
    Failed,
    Stopped,
}
