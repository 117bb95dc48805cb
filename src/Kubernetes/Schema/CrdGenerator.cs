// Records with attributes → CustomResourceDefinition. The same input gives the same bytes, so that the result can be committed and compared.
using System.Reflection;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Schema;

public static class CrdGenerator
{
    /// <summary>As Kubernetes allows.</summary>
    const int MostSelectableFields = 8;

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
        var schema = SchemaBuilder.Root(type);
        if (Subresources(type, custom, schema) is { Count: > 0 } subresources)
            version["subresources"] = subresources;
        if (SelectableFields(type, schema) is { Count: > 0 } fields)
            version["selectableFields"] = fields;
        version["schema"] = new JsonObject { ["openAPIV3Schema"] = schema };
        return version;
    }

    static JsonObject Subresources(Type type, CustomResourceAttribute custom, JsonObject schema)
    {
        var subresources = new JsonObject();
        if (custom.StatusSubresource)
            subresources["status"] = new JsonObject();
        if (type.GetCustomAttribute<ScaleSubresourceAttribute>() is not { } scale)
            return subresources;
        SchemaPaths.Require(type, schema, scale.SpecReplicasPath, "scale: specReplicasPath", [".spec."], "integer");
        SchemaPaths.Require(type, schema, scale.StatusReplicasPath, "scale: statusReplicasPath", [".status."], "integer");
        var paths = new JsonObject { ["specReplicasPath"] = scale.SpecReplicasPath, ["statusReplicasPath"] = scale.StatusReplicasPath };
        if (scale.LabelSelectorPath is { } selector)
        {
            SchemaPaths.Require(type, schema, selector, "scale: labelSelectorPath", [".spec.", ".status."], "string");
            paths["labelSelectorPath"] = selector;
        }

        subresources["scale"] = paths;
        return subresources;
    }

    static JsonArray SelectableFields(Type type, JsonObject schema)
    {
        var fields = new JsonArray();
        foreach (var field in type.GetCustomAttributes<SelectableFieldAttribute>())
        {
            SchemaPaths.Require(type, schema, field.JsonPath, "selectable field", [".spec.", ".status."], "string", "integer", "boolean");
            fields.Add(new JsonObject { ["jsonPath"] = field.JsonPath });
        }

        return fields.Count <= MostSelectableFields
            ? fields
            : throw new SchemaException(type.Name, $"{fields.Count} selectable fields: a kind has at most {MostSelectableFields}");
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
