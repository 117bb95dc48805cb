namespace Framelease.EventStore;

/// <summary>Something in the log that cannot be, found by <see cref="PostgresEventStore.VerifyAsync"/>.</summary>
/// <param name="Check">A fixed name: StreamVersions, StreamRow, StreamOrder, Archived, UnknownEvent, UnreadableEvent, Progression,
/// Sequence.</param>
/// <param name="Stream">Where, if it is about a stream.</param>
/// <param name="Version">The first version that is wrong.</param>
/// <param name="Sequence">The event's, or the first such event's.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Mend">What to do.</param>
public sealed record LogFinding(string Check, string? Stream, long? Version, long? Sequence, string Problem, string Mend);

/// <summary>What was looked at, and what was found.</summary>
/// <param name="LastSequence">The position up to which the log was complete at the end.</param>
/// <param name="Findings">Empty: the log is sound. At most 1,000 a check.</param>
public sealed record LogReport(long Streams, long Events, long LastSequence, IReadOnlyList<LogFinding> Findings);
