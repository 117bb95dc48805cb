using System.Text;

namespace Framelease.EventStore;

/// <summary>One event as it stands in the log.</summary>
public sealed record EventEnvelope
{
    /// <summary>Position in the whole log; rises with the version inside a stream, has holes.</summary>
    public required long Sequence { get; init; }

    public required Guid Id { get; init; }

    /// <summary>The stream's key.</summary>
    public required string Stream { get; init; }

    /// <summary>Position in the stream: 1, 2, 3, … without holes.</summary>
    public required long Version { get; init; }

    /// <summary>The declared name, such as <c>job_queued</c>.</summary>
    public required string TypeName { get; init; }

    /// <summary>The event, upcast to its newest version, or an <see cref="UnknownEvent"/>; never null.</summary>
    public required object Data { get; init; }

    /// <summary>The data as stored: UTF-8 JSON, before any upcast.</summary>
    public required ReadOnlyMemory<byte> Raw { get; init; }

    /// <summary>PostgreSQL's clock at the append, in UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    public string? CorrelationId { get; init; }

    public string? CausationId { get; init; }

    /// <summary>Who did it (Marten's user_name).</summary>
    public string? Actor { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = EventHeaders.None;

    public bool IsUnknown => Data is UnknownEvent;

    /// <summary><see cref="Raw"/> as text.</summary>
    public string RawText => Encoding.UTF8.GetString(Raw.Span);
}
