namespace Framelease.EventStore;

/// <summary>
/// An event as a projection sees it. What PostgreSQL decides at the append (version, position, time) is not known to the program while an
/// inline view is written; so these are <see cref="EventValue"/>s: put them into statements, where they are the same in every mode.
/// </summary>
public sealed class ViewEvent
{
    internal ViewEvent(EventEnvelope envelope)
    {
        (Id, Stream, TypeName, Data) = (envelope.Id, envelope.Stream, envelope.TypeName, envelope.Data);
        (CorrelationId, CausationId, Actor, Headers) = (envelope.CorrelationId, envelope.CausationId, envelope.Actor, envelope.Headers);
        (KnownVersion, KnownSequence, KnownTimestamp) = (envelope.Version, envelope.Sequence, envelope.Timestamp);
    }

    /// <summary>An event that is appended in the statement before.</summary>
    /// <param name="version">Null when the append expects no version.</param>
    /// <param name="fromLast">How many of the same append come after it.</param>
    internal ViewEvent(Guid id, string stream, string typeName, object data, SessionMetadata metadata, long? version, int fromLast)
    {
        (Id, Stream, TypeName, Data) = (id, stream, typeName, data);
        (CorrelationId, CausationId, Actor) = (metadata.CorrelationId, metadata.CausationId, metadata.Actor);
        Headers = metadata.Headers ?? EventHeaders.None;
        (KnownVersion, FromLast) = (version, fromLast);
    }

    public Guid Id { get; }

    /// <summary>The stream's key.</summary>
    public string Stream { get; }

    /// <summary>The declared name.</summary>
    public string TypeName { get; }

    /// <summary>The event, upcast to its newest version.</summary>
    public object Data { get; }

    public string? CorrelationId { get; }

    public string? CausationId { get; }

    /// <summary>Who did it.</summary>
    public string? Actor { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Position in the stream, a bigint.</summary>
    public EventValue Version => new(this, EventField.Version);

    /// <summary>Position in the log, a bigint.</summary>
    public EventValue Sequence => new(this, EventField.Sequence);

    /// <summary>PostgreSQL's clock at the append, a timestamptz.</summary>
    public EventValue Timestamp => new(this, EventField.Timestamp);

    internal long? KnownVersion { get; }

    internal long? KnownSequence { get; }

    internal DateTimeOffset? KnownTimestamp { get; }

    internal int FromLast { get; }
}

/// <summary>A value of an event that may be known to PostgreSQL only; use it in the statements of a <see cref="ViewWriter"/>.</summary>
public readonly record struct EventValue
{
    internal EventValue(ViewEvent of, EventField field) => (Of, Field) = (of, field);

    internal ViewEvent Of { get; }

    internal EventField Field { get; }
}

internal enum EventField
{
    Version,
    Sequence,
    Timestamp,
}
