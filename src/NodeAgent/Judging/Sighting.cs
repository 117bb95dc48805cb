namespace Framelease.NodeAgent.Judging;

/// <summary>What one look says of a slot's holder.</summary>
abstract record Sighting
{
    Sighting()
    {
    }

    /// <summary>Something of the holder is still there.</summary>
    public sealed record Alive(string Who) : Sighting;

    /// <summary>The look could not tell: it proves nothing.</summary>
    public sealed record Unsure(string Why) : Sighting;

    /// <summary>Nothing of it is left.</summary>
    /// <param name="What">Was looked for, and not found.</param>
    public sealed record Gone(string What) : Sighting;

    /// <summary>Why this is no proof; null when it is (half of) one.</summary>
    public string? Doubt => this switch
    {
        Alive a => a.Who,
        Unsure u => u.Why,
        _ => null,
    };
}
