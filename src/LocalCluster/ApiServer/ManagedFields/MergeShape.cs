using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

enum ListMerge
{
    /// <summary>The list has one owner and is replaced whole.</summary>
    Atomic,

    /// <summary>Each value has its owners.</summary>
    Set,

    /// <summary>Each element, found by its keys, has its owners.</summary>
    Map,
}

enum Shape
{
    /// <summary>Scalars, and whatever is replaced whole.</summary>
    Leaf,

    /// <summary>Members have owners of their own.</summary>
    Members,

    /// <summary>Elements have owners of their own.</summary>
    Elements,
}

/// <summary>How a value merges, from its schema; where the schema says nothing, from the value itself.</summary>
static class MergeShape
{
    public static Shape Of(SchemaNode? schema, JsonNode? value) => schema switch
    {
        null or { Type: "", IntOrString: false } => value is JsonObject ? Shape.Members : Shape.Leaf,
        { Type: "object" } => schema.IsAtomicMap ? Shape.Leaf : Shape.Members,
        { Type: "array" } => ListOf(schema) == ListMerge.Atomic ? Shape.Leaf : Shape.Elements,
        _ => Shape.Leaf,
    };

    public static ListMerge ListOf(SchemaNode schema) => schema.ListType switch
    {
        "set" => ListMerge.Set,
        "map" => ListMerge.Map,
        _ => ListMerge.Atomic,
    };

    public static SchemaNode? Member(SchemaNode? schema, string name) => schema?.Property(name);

    /// <summary>The schema names this member; members of free maps are not named.</summary>
    public static bool Names(SchemaNode? schema, string name) => schema?.Properties.ContainsKey(name) == true;

    /// <summary>The elements of a list by how they are found again, in order; elements that cannot be found have an empty name.</summary>
    public static IEnumerable<(string Element, JsonNode? Value)> Elements(JsonArray? list, SchemaNode schema)
    {
        var merge = ListOf(schema);
        return (list ?? []).Select(value => (FieldPath.Element(value, schema, merge) ?? "", value));
    }

    public static bool IsEmpty(JsonNode? value) => value is null or JsonObject { Count: 0 } or JsonArray { Count: 0 };

    public static bool Same(JsonNode? left, JsonNode? right) => JsonAccess.Same(left, right);
}
