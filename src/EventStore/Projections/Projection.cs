using System.Text.RegularExpressions;

namespace Framelease.EventStore;

/// <summary>
/// A view's definition: which events it is made of, which tables it fills, and how a batch of events becomes SQL statements. One definition
/// serves in the transaction of the append (inline), behind it (asynchronous) and in a rebuild; so the statements must depend on nothing
/// but the events, their order and the view's own rows: no clock, no sequence, no other table. Then a rebuilt view equals the running one.
/// </summary>
public sealed partial record Projection
{
    /// <summary>1 to 40 characters: a small letter, then small letters, digits and _. Names its progress for ever.</summary>
    public required string Name { get; init; }

    /// <value>Rises when the function changes what the view holds: the daemon then rebuilds it beside the old one. 1 to 10,000, default
    /// 1.</value>
    public int Version { get; init; } = 1;

    /// <summary>Declared names of the events that it wants; it is given no others.</summary>
    public required IReadOnlyCollection<string> Events { get; init; }

    /// <summary>All tables that it writes. No other projection and no other code may write them.</summary>
    public required IReadOnlyList<ViewTable> Tables { get; init; }

    /// <summary>
    /// Turns events, in the order of the log, into statements; called with any number of them. Fold events of one row into one statement,
    /// or many rows into one with arrays and unnest, where speed of a rebuild matters. An exception stops the view, never skips an event.
    /// </summary>
    public required Action<IReadOnlyList<ViewEvent>, ViewWriter> Project { get; init; }

    /// <summary>The key of its row in mt_event_progression; Marten's form.</summary>
    public string Identity => Version == 1 ? $"{Name}:All" : $"{Name}:V{Version}:All";

    /// <summary>The version that a key of this projection means; null when the key is not one of its.</summary>
    internal int? VersionOf(string identity)
    {
        if (identity == $"{Name}:All") return 1;
        var match = VersionedKey().Match(identity);
        return match.Success && match.Groups["name"].Value == Name ? int.Parse(match.Groups["version"].ValueSpan) : null;
    }

    internal void Validate(EventRegistry registry)
    {
        ValidateName(Name);
        if (Version is < 1 or > 10_000) throw new ArgumentException($"Projection '{Name}' has version {Version}; allowed is 1 to 10,000.");
        if (Events.Count == 0) throw new ArgumentException($"Projection '{Name}' names no events.");
        if (Tables.Count == 0) throw new ArgumentException($"Projection '{Name}' names no tables.");
        foreach (var table in Tables) table.Validate();
        foreach (var name in Events)
            if (!registry.Names.Contains(name))
                throw new ArgumentException(
                    $"Projection '{Name}' wants event '{name}', which is not declared. Mend: EventRegistry.Register.");
    }

    internal static void ValidateName(string name)
    {
        if (!AllowedName().IsMatch(name))
            throw new ArgumentException(
                $"'{name}' is no name of a projection: allowed are 1 to 40 characters, a small letter, then small letters, digits and _.");
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,39}\\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AllowedName();

    [GeneratedRegex("^(?<name>[a-z][a-z0-9_]{0,39}):V(?<version>[1-9][0-9]{0,4}):All\\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VersionedKey();
}

/// <summary>A table of a view, in the schema framelease. Made by a schema update, never by the projection.</summary>
/// <param name="Name">As in the schema update, without quotes: small letters, digits and _, at most 60 characters.</param>
public sealed partial record ViewTable(string Name)
{
    internal const string Schema = "framelease", ShadowSchema = "framelease_rebuild";

    internal string Running => $"{Schema}.{Name}";

    internal string Shadow => $"{ShadowSchema}.{Name}";

    internal void Validate()
    {
        if (!AllowedName().IsMatch(Name))
            throw new ArgumentException(
                $"'{Name}' is no name of a view's table: allowed are 1 to 60 characters: a small letter, then letters, digits and _.");
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,59}\\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AllowedName();
}

/// <summary>All projections of a store.</summary>
public sealed record ProjectionSet
{
    /// <summary>Written in the transaction of every append that has one of their events: always current, and a failure refuses the
    /// append.</summary>
    public IReadOnlyList<Projection> Inline { get; init; } = [];

    /// <summary>Written behind the log: they cost the append nothing.</summary>
    public IReadOnlyList<Projection> Asynchronous { get; init; } = [];

    /// <exception cref="ArgumentException">None of that name; the message lists those that there are.</exception>
    public Projection Find(string name) => All.FirstOrDefault(p => p.Name == name)
        ?? throw new ArgumentException($"There is no projection '{name}'; there are: {string.Join(", ", All.Select(p => p.Name))}.");

    internal IEnumerable<Projection> All => Inline.Concat(Asynchronous);

    internal void Validate(EventRegistry registry)
    {
        var tables = new Dictionary<string, string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var projection in All)
        {
            projection.Validate(registry);
            if (!names.Add(projection.Name)) throw new ArgumentException($"Projection '{projection.Name}' is declared twice.");
            foreach (var table in projection.Tables)
                if (!tables.TryAdd(table.Name, projection.Name))
                    throw new ArgumentException(
                        $"Table '{table.Name}' belongs to projection '{tables[table.Name]}' and cannot be one of '{projection.Name}'.");
        }
    }
}
