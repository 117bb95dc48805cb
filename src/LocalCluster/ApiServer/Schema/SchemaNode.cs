using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Framelease.LocalCluster.ApiServer.Cel;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>One node of a structural schema, read once from its JSON, which <see cref="Source"/> keeps for publishing.</summary>
sealed class SchemaNode
{
    public required JsonObject Source { get; init; }
    public string Type { get; init; } = "";
    public string Format { get; init; } = "";
    public IReadOnlyDictionary<string, SchemaNode> Properties { get; init; } = new Dictionary<string, SchemaNode>();
    public SchemaNode? Additional { get; init; }

    /// <summary>False only for <c>additionalProperties: false</c>.</summary>
    public bool AllowsAdditional { get; init; } = true;
    public SchemaNode? Items { get; init; }
    public IReadOnlyList<string> Required { get; init; } = [];
    public JsonArray? Enum { get; init; }
    public JsonNode? Default { get; init; }
    public bool Nullable { get; init; }
    public double? Minimum { get; init; }
    public double? Maximum { get; init; }
    public bool ExclusiveMinimum { get; init; }
    public bool ExclusiveMaximum { get; init; }
    public double? MultipleOf { get; init; }
    public long? MinLength { get; init; }
    public long? MaxLength { get; init; }
    public string? PatternText { get; init; }
    public Regex? Pattern { get; init; }
    public long? MinItems { get; init; }
    public long? MaxItems { get; init; }
    public bool UniqueItems { get; init; }
    public long? MinProperties { get; init; }
    public long? MaxProperties { get; init; }
    public bool IntOrString { get; init; }
    public bool PreservesUnknown { get; init; }
    public bool EmbedsResource { get; init; }

    /// <summary>atomic, set or map; empty where the schema does not say.</summary>
    public string ListType { get; init; } = "";
    public IReadOnlyList<string> ListMapKeys { get; init; } = [];

    /// <summary>Sets and maps hold each key once. Built-in kinds check that, or not, by rules of their own.</summary>
    public bool ChecksListKeys { get; init; } = true;

    /// <summary>The object has one owner and is replaced whole by server-side apply.</summary>
    public bool IsAtomicMap { get; init; }
    public IReadOnlyList<SchemaNode> AllOf { get; init; } = [];
    public IReadOnlyList<SchemaNode> AnyOf { get; init; } = [];
    public IReadOnlyList<SchemaNode> OneOf { get; init; } = [];
    public SchemaNode? Not { get; init; }
    public IReadOnlyList<CelRule> Rules { get; init; } = [];

    /// <summary>There is a rule on this node or somewhere below.</summary>
    public bool HasRules => Rules.Count > 0 || Properties.Values.Any(child => child.HasRules)
        || Additional is { HasRules: true } || Items is { HasRules: true };

    public SchemaNode? Property(string name) => Properties.TryGetValue(name, out var child) ? child : Additional;
}
