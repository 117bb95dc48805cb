using System.Text.Json.Serialization.Metadata;

namespace Framelease.EventStore;

/// <summary>How a stream's events become a state.</summary>
public sealed record Aggregation<TState>
{
    /// <summary>Of the stream without events.</summary>
    public required TState Seed { get; init; }

    /// <summary>Pure: the same events give the same state.</summary>
    public required Func<TState, EventEnvelope, TState> Evolve { get; init; }

    /// <value>Null (default): the whole stream is read each time.</value>
    public SnapshotRule<TState>? Snapshots { get; init; }
}

/// <summary>
/// When states are kept, so that a load reads a state and the events after it. Pays for streams of some hundred events and more; below,
/// reading the events is as fast. A state must come back from JSON as it went in. Any kept state may be lost or unreadable: then the events
/// are read.
/// </summary>
/// <param name="Name">What is folded, such as <c>tenant</c>: a stream may have several. 1 to 100 characters.</param>
/// <param name="Version">Raise it when the state or the folding changes: states of other versions are not read. 1 or more.</param>
/// <param name="Every">A state is kept when a load had to read at least so many events. 1 or more; 100 to 500 suits.</param>
/// <param name="Json">Of the state; by default the registry's JSON options.</param>
public sealed record SnapshotRule<TState>(string Name, int Version, int Every, JsonTypeInfo<TState>? Json = null)
{
    internal void Validate()
    {
        if (Name.Length is 0 or > 100) throw new ArgumentException("A snapshot rule's name must have 1 to 100 characters.");
        if (Version < 1) throw new ArgumentException($"Snapshots '{Name}' have version {Version}; it must be 1 or more.");
        if (Every < 1) throw new ArgumentException($"Snapshots '{Name}' are kept every {Every} events; it must be 1 or more.");
    }
}

/// <summary>A state to decide on, and the way to append what was decided: refused if the stream has moved on since.</summary>
public sealed class WritableStream<TState>
{
    readonly IEventSession _session;
    long _next;

    internal WritableStream(IEventSession session, Aggregate<TState> loaded)
    {
        (_session, Loaded) = (session, loaded);
        _next = loaded.Version;
    }

    /// <summary>What was loaded. A decider that finds <see cref="Aggregate{TState}.UnknownEvents"/> must refuse (R8).</summary>
    public Aggregate<TState> Loaded { get; }

    public TState State => Loaded.State;

    /// <summary>Appends in the session, at the version that was loaded and what was appended through here since.</summary>
    /// <exception cref="EventStreamUnexpectedMaxEventIdException">From the session's commit: somebody else appended meanwhile.</exception>
    public WritableStream<TState> Append(params IReadOnlyList<object> events)
    {
        _session.Append(Loaded.Stream, _next, events);
        _next += events.Count;
        return this;
    }
}
