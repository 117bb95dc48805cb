using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>The paths that an object has: what somebody who applies it comes to own.</summary>
static class FieldReader
{
    public static FieldSet Read(JsonObject item, SchemaNode schema)
    {
        var set = new FieldSet();
        Read(item, schema, set);
        return set;
    }

    static void Read(JsonNode? value, SchemaNode? schema, FieldSet at)
    {
        switch (MergeShape.Of(schema, value))
        {
            case Shape.Members:
                foreach (var (name, child) in value as JsonObject ?? [])
                {
                    var node = at.At(FieldPath.Member(name));
                    Read(child, MergeShape.Member(schema, name), node);
                    // What would leave no trace otherwise: empty values, and the entries of free maps.
                    if (child is null or JsonObject { Count: 0 } || !MergeShape.Names(schema, name))
                        node.Include();
                }

                break;
            case Shape.Elements:
                ReadElements(value as JsonArray, schema!, at);
                break;
            default:
                at.Include();
                break;
        }
    }

    static void ReadElements(JsonArray? list, SchemaNode schema, FieldSet at)
    {
        foreach (var group in MergeShape.Elements(list, schema).GroupBy(entry => entry.Element))
        {
            var node = at.At(group.Key);
            node.Include();
            // Built-in lists may hold two elements of one key; those are owned as one.
            if (group.Take(2).Count() == 1)
                Read(group.First().Value, schema.Items, node);
        }
    }

    /// <summary>Adds the named members that lead to members of a set: a container goes with what it was made for.</summary>
    public static FieldSet WithContainers(FieldSet set, SchemaNode? schema)
    {
        var result = new FieldSet();
        Contain(set, schema, result);
        return result;
    }

    static void Contain(FieldSet set, SchemaNode? schema, FieldSet into)
    {
        if (set.IsMember)
            into.Include();
        foreach (var (element, child) in set.Children)
        {
            var isMember = element.StartsWith("f:", StringComparison.Ordinal);
            var name = isMember ? element[2..] : "";
            var node = into.At(element);
            Contain(child, isMember ? MergeShape.Member(schema, name) : schema?.Items, node);
            if (isMember && MergeShape.Names(schema, name) && node.Children.Any())
                node.Include();
        }
    }
}
