using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>Fills absent members with the schema's defaults, from the outside in, so that a default may hold objects with defaults.</summary>
static class Defaulting
{
    public static void Apply(JsonNode? node, SchemaNode schema)
    {
        switch (node)
        {
            case JsonObject item:
                foreach (var (name, child) in schema.Properties)
                    ApplyMember(item, name, child);
                if (schema.Additional is { } additional)
                {
                    foreach (var (name, value) in item)
                    {
                        if (!schema.Properties.ContainsKey(name))
                            Apply(value, additional);
                    }
                }

                break;
            case JsonArray list when schema.Items is { } items:
                foreach (var element in list)
                    Apply(element, items);
                break;
        }
    }

    static void ApplyMember(JsonObject item, string name, SchemaNode schema)
    {
        // An explicit null where null is not allowed counts as absent when there is a default.
        if (schema.Default is not null && (!item.TryGetPropertyValue(name, out var present) || (present is null && !schema.Nullable)))
            item[name] = schema.Default.DeepClone();
        if (item[name] is { } value)
            Apply(value, schema);
    }

    /// <summary>Removes nulls where the schema does not allow them, as decoding into typed objects would.</summary>
    public static void DropNulls(JsonNode? node, SchemaNode schema)
    {
        switch (node)
        {
            case JsonObject item:
                foreach (var (name, value) in item.ToList())
                {
                    if (schema.Property(name) is not { } child)
                        continue;
                    if (value is null && !child.Nullable)
                        item.Remove(name);
                    else
                        DropNulls(value, child);
                }

                break;
            case JsonArray list when schema.Items is { } items:
                foreach (var element in list)
                    DropNulls(element, items);
                break;
        }
    }
}
