using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>How definitions are called, and what both forms of the document have in common.</summary>
static class DefinitionNames
{
    public const string Meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    public const string ListMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

    public static string For(ResourceType type)
    {
        if (type.IsCustom)
            return $"{string.Join('.', type.Group.Split('.').Reverse())}.{type.Version}.{type.Kind}";
        var group = type.Group.Length == 0 ? "core" : type.Group.Split('.')[0];
        return group == "apiextensions"
            ? $"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{type.Version}.{type.Kind}"
            : $"io.k8s.api.{group}.{type.Version}.{type.Kind}";
    }

    public static JsonObject Kind(ResourceType type, string? kind = null) =>
        new() { ["group"] = type.Group, ["kind"] = kind ?? type.Kind, ["version"] = type.Version };

    /// <summary>The definition of a kind; <paramref name="reference"/> makes a reference to another definition.</summary>
    public static JsonObject Definition(ResourceType type, Func<string, JsonObject> reference)
    {
        var schema = (JsonObject?)type.Schema?.Source.DeepClone() ?? new JsonObject { ["type"] = "object" };
        if (schema["properties"] is not JsonObject properties)
            schema["properties"] = properties = [];
        properties["apiVersion"] ??= String("Versioned schema of this representation of an object.");
        properties["kind"] ??= String("The resource that this object represents.");
        properties["metadata"] = reference(Meta);
        schema["x-kubernetes-group-version-kind"] = new JsonArray(Kind(type));
        return schema;
    }

    public static JsonObject ListDefinition(ResourceType type, Func<string, JsonObject> reference) => new()
    {
        ["type"] = "object",
        ["description"] = $"A list of {type.Kind}.",
        ["required"] = new JsonArray("items"),
        ["properties"] = new JsonObject
        {
            ["apiVersion"] = String("Versioned schema of this representation of an object."),
            ["items"] = new JsonObject { ["type"] = "array", ["description"] = "The objects.", ["items"] = reference(For(type)) },
            ["kind"] = String("The resource that this object represents."),
            ["metadata"] = reference(ListMeta),
        },
        ["x-kubernetes-group-version-kind"] = new JsonArray(Kind(type, type.ListKind)),
    };

    public static JsonObject ListMetaDefinition() => new()
    {
        ["type"] = "object",
        ["description"] = "Metadata of lists.",
        ["properties"] = new JsonObject
        {
            ["continue"] = String("Where the next page starts."),
            ["remainingItemCount"] = new JsonObject { ["type"] = "integer", ["format"] = "int64", ["description"] = "How many objects are left." },
            ["resourceVersion"] = String("The version that the list shows."),
            ["selfLink"] = String("Not used any more."),
        },
    };

    static JsonObject String(string description) => new() { ["type"] = "string", ["description"] = description };
}
