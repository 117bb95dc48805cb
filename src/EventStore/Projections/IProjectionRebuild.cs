namespace Framelease.EventStore;

/// <summary>Makes a view anew from the log, in tables beside the running ones, which go on being read and written meanwhile.</summary>
public interface IProjectionRebuild
{
    /// <summary>
    /// Reads the log in batches (memory does not grow with it), then in one transaction either puts the new tables in the place of the
    /// running ones (<see cref="RebuildMode.Swap"/>: waits for their writers, milliseconds) or compares both (<see
    /// cref="RebuildMode.Compare"/>: locks nothing). Needs the owner's rights, as the schema update does. What a rebuild that was
    /// interrupted left behind, the next one takes away.
    /// </summary>
    /// <param name="projection">The name of one of the store's projections, inline or asynchronous.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <exception cref="ArgumentException">No such projection.</exception>
    /// <exception cref="ProjectionException">The projection failed on an event, or its tables cannot be rebuilt; the message says why. The
    /// running view is as before.</exception>
    /// <exception cref="RebuildRunningException">Another rebuild of the projection is under way.</exception>
    Task<RebuildResult> RunAsync(string projection, RebuildMode mode, IProgress<RebuildProgress>? progress, CancellationToken ct);
}

/// <summary>What becomes of the tables that a rebuild has made.</summary>
public enum RebuildMode
{
    /// <summary>They replace the running ones.</summary>
    Swap,

    /// <summary>They are compared with the running ones, and dropped.</summary>
    Compare,
}

/// <param name="Position">Where in the log the rebuild is.</param>
/// <param name="Target">Where the log ends for now.</param>
/// <param name="Events">How many events of the projection were read so far.</param>
public sealed record RebuildProgress(string Projection, long Position, long Target, long Events, TimeSpan Elapsed);

/// <param name="Position">The position in the log that the rebuilt view stands for.</param>
/// <param name="Events">How many events it was made of.</param>
/// <param name="Comparisons">One a table; empty after a swap.</param>
public sealed record RebuildResult(
    string Projection, int Version, RebuildMode Mode, long Position, long Events, TimeSpan Elapsed,
    IReadOnlyList<TableComparison> Comparisons)
{
    /// <summary>True when no table was found to differ.</summary>
    public bool IsEqual => Comparisons.All(c => c.IsEqual);
}

/// <summary>A table as it runs beside the same made anew, at the same position of the log.</summary>
/// <param name="RunningDigest">Over all rows and columns, whatever their order.</param>
/// <param name="Differences">The first differing rows: <c>- (…)</c> only running, <c>+ (…)</c> only rebuilt. At most 10 of each.</param>
public sealed record TableComparison(
    string Table, long RunningRows, string RunningDigest, long RebuiltRows, string RebuiltDigest, IReadOnlyList<string> Differences)
{
    public bool IsEqual => RunningRows == RebuiltRows && RunningDigest == RebuiltDigest;
}
