namespace Framelease.EventStore;

/// <summary>A stream, or its end, as one load saw it.</summary>
/// <param name="Version">The stream's version as of <paramref name="Events"/>; 0 when it does not exist. What an append to follow must expect.</param>
/// <param name="Now">PostgreSQL's clock at this load (R3).</param>
public sealed record StreamSlice(string Stream, long Version, bool IsArchived, IReadOnlyList<EventEnvelope> Events, DateTimeOffset Now);

/// <summary>A stream's row, without its events.</summary>
/// <param name="Now">PostgreSQL's clock at this load (R3).</param>
public sealed record StreamState(
    string Stream, long Version, string? AggregateType, DateTimeOffset LastTimestamp, DateTimeOffset Created, bool IsArchived, DateTimeOffset Now);

/// <summary>A state folded from a stream.</summary>
/// <param name="State">The seed when the stream does not exist.</param>
/// <param name="Version">The version of the last event in it; 0 when the stream does not exist.</param>
/// <param name="UnknownEvents">Events that this program cannot read. A decider that meets any must refuse (R8).</param>
/// <param name="Now">PostgreSQL's clock at this load (R3).</param>
public sealed record Aggregate<TState>(string Stream, TState State, long Version, bool IsArchived, int UnknownEvents, DateTimeOffset Now);

/// <summary>A part of the whole log, in order.</summary>
/// <param name="Events">Those that passed the filter.</param>
/// <param name="Position">Go on from here: everything up to it has been looked at, and no event at or below it can appear later.</param>
/// <param name="HasMore">True when the limit, not the end of the log, ended the page.</param>
/// <param name="Now">PostgreSQL's clock at this load (R3).</param>
public sealed record EventPage(IReadOnlyList<EventEnvelope> Events, long Position, bool HasMore, DateTimeOffset Now);

/// <summary>Which events of the log a reader wants; empty: all.</summary>
/// <param name="StreamPrefix">Only streams whose key starts so, such as <c>lease-</c>.</param>
/// <param name="TypeNames">Only these declared names.</param>
public sealed record EventFilter(string? StreamPrefix = null, IReadOnlyCollection<string>? TypeNames = null)
{
    public static EventFilter All { get; } = new();
}
