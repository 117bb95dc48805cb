using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Schema;

/// <summary>Paths from the root of a schema, as attributes write them: <c>.spec.replicas</c>.</summary>
static class SchemaPaths
{
    /// <exception cref="SchemaException">The path does not begin as it must, names no property, or one of another type.</exception>
    internal static void Require(Type type, JsonObject schema, string path, string what, string[] beginnings, params string[] types)
    {
        if (!beginnings.Any(b => path.StartsWith(b, StringComparison.Ordinal)))
            throw new SchemaException(type.Name, $"{what} '{path}': it must begin with {string.Join(" or ", beginnings)}");
        JsonNode? node = schema;
        foreach (var name in path.Split('.').Skip(1))
            node = node?["properties"]?[name];
        if (node is null)
            throw new SchemaException(type.Name, $"{what} '{path}': no such property");
        if (!types.Contains((string?)node["type"]))
            throw new SchemaException(type.Name, $"{what} '{path}' has type {node["type"]}: it must be {string.Join(", ", types)}");
    }
}
