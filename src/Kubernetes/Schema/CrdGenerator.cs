// Records with attributes → CustomResourceDefinition. The same input gives the same bytes, so that the result can be committed and compared.
using System.Reflection;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Schema;

public static class CrdGenerator
{
    /// <summary>The definition of a type marked with <see cref="KubernetesEntityAttribute"/>.</summary>
    /// <exception cref="SchemaException">The type can not be expressed, or something in its spec has no bounds.</exception>
    public static JsonObject Generate(Type type)
    {
        var entity = type.GetCustomAttribute<KubernetesEntityAttribute>() ?? throw new SchemaException(type.Name, "mark it with [KubernetesEntity]");
        if (entity.Group.Length == 0)
            throw new SchemaException(type.Name, "a custom resource needs a group, for example example.com");
        var custom = type.GetCustomAttribute<CustomResourceAttribute>() ?? new();
        return new()
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{entity.PluralName}.{entity.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = entity.Group,
                ["names"] = Names(entity, custom),
                ["scope"] = entity.Namespaced ? "Namespaced" : "Cluster",
                ["versions"] = new JsonArray(Version(type, entity, custom)),
            },
        };
    }

    /// <summary>As <see cref="Generate"/>, as YAML text.</summary>
    public static string GenerateYaml(Type type) => Yaml.Write(Generate(type));

    /// <summary>Name of the file that holds the definition: <c>{plural}.yaml</c>.</summary>
    public static string FileName(Type type) =>
        $"{(type.GetCustomAttribute<KubernetesEntityAttribute>() ?? throw new SchemaException(type.Name, "mark it with [KubernetesEntity]")).PluralName}.yaml";

    static JsonObject Names(KubernetesEntityAttribute entity, CustomResourceAttribute custom)
    {
        var names = new JsonObject
        {
            ["kind"] = entity.Kind,
            ["listKind"] = entity.Kind + "List",
            ["plural"] = entity.PluralName,
            ["singular"] = entity.Kind.ToLowerInvariant(),
        };
        if (custom.ShortNames.Length > 0)
            names["shortNames"] = Array(custom.ShortNames);
        if (custom.Categories.Length > 0)
            names["categories"] = Array(custom.Categories);
        return names;
    }

    static JsonObject Version(Type type, KubernetesEntityAttribute entity, CustomResourceAttribute custom)
    {
        var version = new JsonObject { ["name"] = entity.ApiVersion, ["served"] = true, ["storage"] = true };
        var columns = new JsonArray();
        foreach (var column in type.GetCustomAttributes<PrinterColumnAttribute>())
            columns.Add(Column(type, column));
        if (columns.Count > 0)
            version["additionalPrinterColumns"] = columns;
        if (custom.StatusSubresource)
            version["subresources"] = new JsonObject { ["status"] = new JsonObject() };
        version["schema"] = new JsonObject { ["openAPIV3Schema"] = SchemaBuilder.Root(type) };
        return version;
    }

    static JsonObject Column(Type type, PrinterColumnAttribute column)
    {
        if (column.Type is not ("string" or "integer" or "number" or "boolean" or "date"))
            throw new SchemaException(type.Name, $"printer column {column.Name} has type '{column.Type}': use string, integer, number, boolean or date");
        var result = new JsonObject { ["name"] = column.Name, ["type"] = column.Type, ["jsonPath"] = column.JsonPath };
        if (column.Priority != 0)
            result["priority"] = column.Priority;
        if (column.Description is not null)
            result["description"] = column.Description;
        return result;
    }

    static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);
}
