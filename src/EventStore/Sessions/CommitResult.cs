namespace Framelease.EventStore;

/// <summary>What a session committed.</summary>
/// <param name="Streams">One entry a stream, in the order in which the session named them; empty when it only ran guards and writes.</param>
/// <param name="Timestamp">PostgreSQL's clock at the last statement.</param>
/// <param name="IsRepeat">True when the command id had been committed before: this is the first commit's result, and nothing was done now.</param>
public sealed record CommitResult(IReadOnlyList<StreamCommit> Streams, DateTimeOffset Timestamp, bool IsRepeat = false)
{
    /// <summary>The version that the stream reached.</summary>
    /// <exception cref="ArgumentException">The session appended nothing to it.</exception>
    public long VersionOf(string stream) => (Streams.FirstOrDefault(s => s.Stream == stream)
        ?? throw new ArgumentException($"The session appended nothing to stream '{stream}'.", nameof(stream))).Version;

    /// <summary>The highest position that the session wrote; 0 when it appended nothing.</summary>
    public long LastSequence => Streams.Count == 0 ? 0 : Streams.Max(s => s.Sequences[^1]);
}

/// <param name="Version">The stream's version after the commit.</param>
/// <param name="Sequences">Positions of the appended events, ascending.</param>
public sealed record StreamCommit(string Stream, long Version, IReadOnlyList<long> Sequences);
