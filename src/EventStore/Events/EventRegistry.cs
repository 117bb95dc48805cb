using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.EventStore;

/// <summary>
/// The declared events: name, version and .NET type of each. The names are the contract of the log; a class may change its shape when its
/// version rises and an upcaster leads from the version before. Fill it at start-up; it is read without locks afterwards.
/// </summary>
/// <param name="json">By default <see cref="EventJson.CreateOptions"/>; pass its result with a source-generated resolver to save start-up time.</param>
public sealed class EventRegistry(JsonSerializerOptions? json = null)
{
    readonly Dictionary<string, EventMapping> _byName = new(StringComparer.Ordinal);
    readonly Dictionary<Type, EventMapping> _byType = [];
    readonly Dictionary<(string Name, int From), Func<JsonObject, JsonObject>> _upcasters = [];

    internal JsonSerializerOptions Json { get; } = json ?? EventJson.CreateOptions();

    /// <summary>All declared names, for lists and checks.</summary>
    public IReadOnlyCollection<string> Names => _byName.Keys;

    /// <summary>Declares an event under the name that Marten's rule gives its class (<see cref="EventAlias"/>).</summary>
    public EventRegistry Register<T>(int version = 1) where T : class => Register<T>(EventAlias.Of(typeof(T)), version);

    /// <summary>Declares an event; the name is written out so that a renamed class does not silently rename the contract.</summary>
    /// <param name="name">Must equal <see cref="EventAlias.Of(Type)"/> of the class.</param>
    /// <param name="version">The version of the data that is written, 1 to 1,000.</param>
    /// <exception cref="ArgumentException">Another name than the rule's, or name or class declared twice.</exception>
    public EventRegistry Register<T>(string name, int version = 1) where T : class
    {
        var type = typeof(T);
        if (version is < 1 or > 1000) throw new ArgumentOutOfRangeException(nameof(version), version, $"Version of '{name}' must be 1 to 1000.");
        if (type.IsAbstract) throw new ArgumentException($"'{type}' is abstract; declare each concrete event.", nameof(name));
        if (EventAlias.Of(type) is var alias && alias != name)
            throw new ArgumentException($"Event name '{name}' does not follow from class '{type.Name}', whose alias is '{alias}'. Rename one of them.", nameof(name));
        if (name is "tombstone" or "archived")
            throw new ArgumentException($"Event name '{name}' is Marten's own. Rename the class '{type.Name}'.", nameof(name));
        if (_byName.TryGetValue(name, out var other))
            throw new ArgumentException($"Event name '{name}' is declared twice: by '{other.Type}' and by '{type}'. Rename one class.", nameof(name));
        var mapping = new EventMapping(name, version, type, $"{type.FullName}, {type.Assembly.GetName().Name}");
        _byName.Add(name, mapping);
        _byType.Add(type, mapping);
        return this;
    }

    /// <summary>Leads the data of one version to the next; a chain of them leads any old version to the declared one.</summary>
    /// <param name="name">The event's declared name (it may be registered later).</param>
    /// <param name="fromVersion">The version that the function takes; it returns the data of <paramref name="fromVersion"/> + 1.</param>
    public EventRegistry Upcast(string name, int fromVersion, Func<JsonObject, JsonObject> upcast)
    {
        if (!_upcasters.TryAdd((name, fromVersion), upcast))
            throw new ArgumentException($"Upcaster of '{name}' from version {fromVersion} is declared twice.", nameof(fromVersion));
        return this;
    }

    /// <summary>Every version below the declared one must have its upcaster; called by the store when it is made.</summary>
    internal void Validate()
    {
        foreach (var mapping in _byName.Values)
            for (var from = 1; from < mapping.Version; from++)
                if (!_upcasters.ContainsKey((mapping.Name, from)))
                    throw new ArgumentException($"Event '{mapping.Name}' has version {mapping.Version}, but no upcaster from version {from}.");
        foreach (var (name, from) in _upcasters.Keys)
            if (!_byName.TryGetValue(name, out var mapping) || from < 1 || from >= mapping.Version)
                throw new ArgumentException($"Upcaster of '{name}' from version {from} leads to no declared version.");
    }

    internal EventMapping Of(object data) => _byType.TryGetValue(data.GetType(), out var mapping)
        ? mapping
        : throw new ArgumentException($"'{data.GetType()}' is not a declared event. Mend: EventRegistry.Register<{data.GetType().Name}>().");

    internal string Serialize(EventMapping mapping, object data)
    {
        try
        {
            return JsonSerializer.Serialize(data, Json.GetTypeInfo(mapping.Type));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            throw new EventSerializationException($"Event '{mapping.Name}' ({mapping.Type}) cannot be written as JSON: {e.Message}", e);
        }
    }

    /// <summary>What a reader will make of data that is being written now.</summary>
    internal object Reread(string name, ReadOnlySpan<byte> raw) => Deserialize(name, _byName[name].Version, raw);

    /// <summary>The event, or an <see cref="UnknownEvent"/> that says why not; never throws for what the log holds.</summary>
    internal object Deserialize(string name, int version, ReadOnlySpan<byte> raw)
    {
        if (!_byName.TryGetValue(name, out var mapping)) return new UnknownEvent(name, version, "not a declared name");
        if (version > mapping.Version) return new UnknownEvent(name, version, $"newer than the declared version {mapping.Version}");
        try
        {
            var info = Json.GetTypeInfo(mapping.Type);
            object? data;
            if (version == mapping.Version)
            {
                data = JsonSerializer.Deserialize(raw, info);
            }
            else
            {
                var node = JsonNode.Parse(raw) as JsonObject ?? throw new JsonException("the data is not a JSON object");
                for (var from = version; from < mapping.Version; from++) node = _upcasters[(name, from)](node);
                data = node.Deserialize(info);
            }
            return data ?? new UnknownEvent(name, version, "the data is null");
        }
        // an upcaster is foreign code on foreign data: whatever it throws, a reader goes on
        catch (Exception e) when (e is not (OutOfMemoryException or StackOverflowException))
        {
            return new UnknownEvent(name, version, $"the data does not fit: {e.Message}");
        }
    }
}

/// <summary>One declared event.</summary>
internal sealed record EventMapping(string Name, int Version, Type Type, string DotNetType);
