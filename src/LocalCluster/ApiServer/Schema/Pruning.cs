using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Schema;

/// <summary>Removes the members that a schema does not know, and reports their paths for strict validation and warnings.</summary>
static class Pruning
{
    /// <summary>Prunes the root object; apiVersion, kind and metadata always stay.</summary>
    public static void PruneRoot(JsonObject item, SchemaNode schema, List<string> unknown) =>
        PruneObject(item, schema, "", unknown, isResource: true);

    static void Prune(JsonNode? node, SchemaNode schema, string path, List<string> unknown)
    {
        if (node is JsonObject item)
        {
            PruneObject(item, schema, path, unknown, schema.EmbedsResource);
        }
        else if (node is JsonArray list && schema.Items is { } items)
        {
            for (var i = 0; i < list.Count; i++)
                Prune(list[i], items, $"{path}[{i}]", unknown);
        }
    }

    static void PruneObject(JsonObject item, SchemaNode schema, string path, List<string> unknown, bool isResource)
    {
        List<string>? removed = null;
        foreach (var (name, child) in item)
        {
            if (isResource && name is "apiVersion" or "kind" or "metadata" && isResource)
                continue;
            if (schema.Property(name) is { } known)
                Prune(child, known, Join(path, name), unknown);
            else if (!schema.PreservesUnknown)
                (removed ??= []).Add(name);
        }

        foreach (var name in removed ?? [])
        {
            unknown.Add(Join(path, name));
            item.Remove(name);
        }
    }

    static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
