namespace Framelease.EventStore;

/// <summary>Written with every event of a session.</summary>
/// <param name="CorrelationId">What belongs together, such as a task's uid. At most 256 characters.</param>
/// <param name="CausationId">What caused it, such as a command's or an event's id. At most 256 characters.</param>
/// <param name="Actor">Who did it. At most 256 characters.</param>
/// <param name="Headers">Anything else; at most 32 entries of at most 1,024 characters.</param>
public sealed record SessionMetadata(
    string? CorrelationId = null,
    string? CausationId = null,
    string? Actor = null,
    IReadOnlyDictionary<string, string>? Headers = null)
{
    internal void Validate()
    {
        foreach (var (name, value) in new[] { (nameof(CorrelationId), CorrelationId), (nameof(CausationId), CausationId), (nameof(Actor), Actor) })
            if (value is { Length: 0 or > 256 } || value?.Contains('\0', StringComparison.Ordinal) == true)
                throw new ArgumentException($"{name} must have 1 to 256 characters, without U+0000.");
        if (Headers is not null) EventHeaders.Validate(Headers);
    }
}
