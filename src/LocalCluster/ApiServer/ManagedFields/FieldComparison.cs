using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>What differs between two states of an object, as sets of paths.</summary>
sealed class FieldComparison
{
    public FieldSet Added { get; } = new();

    public FieldSet Modified { get; } = new();

    public FieldSet Removed { get; } = new();

    public FieldSet Written => FieldSet.Union(Added, Modified);

    public static FieldComparison Of(JsonObject old, JsonObject item, SchemaNode schema)
    {
        var comparison = new FieldComparison();
        comparison.Compare(new(old), new(item), schema, []);
        return comparison;
    }

    /// <summary>A value that may be absent, which is not the same as null.</summary>
    readonly record struct Side(JsonNode? Value, bool Exists = true)
    {
        public static readonly Side Absent = new(null, false);
    }

    void Compare(Side left, Side right, SchemaNode? schema, List<string> path)
    {
        var shape = MergeShape.Of(schema, right.Exists && right.Value is not null ? right.Value : left.Value);
        var differs = left.Value is not null && right.Value is not null && shape != MergeShape.Of(schema, left.Value);
        if (shape == Shape.Leaf || differs || (MergeShape.IsEmpty(left.Value) && MergeShape.IsEmpty(right.Value)))
        {
            CompareLeaf(left, right, path);
            return;
        }

        if (shape == Shape.Members)
            CompareMembers(left.Value as JsonObject, right.Value as JsonObject, schema, path);
        else
            CompareElements(left.Value as JsonArray, right.Value as JsonArray, schema!, path);
        if (!left.Exists)
            Include(Added, path);
        else if (!right.Exists)
            Include(Removed, path);
    }

    void CompareLeaf(Side left, Side right, List<string> path)
    {
        if (!left.Exists)
            Include(Added, path);
        else if (!right.Exists)
            Include(Removed, path);
        else if (!MergeShape.Same(left.Value, right.Value))
            Include(Modified, path);
    }

    void CompareMembers(JsonObject? left, JsonObject? right, SchemaNode? schema, List<string> path)
    {
        foreach (var (name, value) in left ?? [])
        {
            var other = right is not null && right.TryGetPropertyValue(name, out var found) ? new Side(found) : Side.Absent;
            Descend(FieldPath.Member(name), new(value), other, MergeShape.Member(schema, name), path);
        }

        foreach (var (name, value) in right ?? [])
        {
            if (left?.ContainsKey(name) != true)
                Descend(FieldPath.Member(name), Side.Absent, new(value), MergeShape.Member(schema, name), path);
        }
    }

    void CompareElements(JsonArray? left, JsonArray? right, SchemaNode schema, List<string> path)
    {
        var (before, after) = (MergeShape.Elements(left, schema).ToLookup(e => e.Element, e => e.Value),
            MergeShape.Elements(right, schema).ToLookup(e => e.Element, e => e.Value));
        foreach (var element in before.Select(group => group.Key).Union(after.Select(group => group.Key)))
        {
            var (olds, news) = (before[element].ToList(), after[element].ToList());
            if (olds.Count > 1 || news.Count > 1)
                Descend(element, AsOne(olds), AsOne(news), Doubled, path);
            else
                Descend(element, olds is [var old] ? new(old) : Side.Absent, news is [var now] ? new(now) : Side.Absent, schema
                    .Items, path);
        }
    }

    // Elements that share a key have one owner: they are compared as one value.
    static readonly SchemaNode Doubled = new() { Source = [], Type = "array" };

    static Side AsOne(List<JsonNode?> values) =>
        values.Count == 0 ? Side.Absent : new(new JsonArray([.. values.Select(value => value?.DeepClone())]));

    void Descend(string element, Side left, Side right, SchemaNode? schema, List<string> path)
    {
        path.Add(element);
        Compare(left, right, schema, path);
        path.RemoveAt(path.Count - 1);
    }

    static void Include(FieldSet set, List<string> path)
    {
        foreach (var element in path)
            set = set.At(element);
        set.Include();
    }
}
