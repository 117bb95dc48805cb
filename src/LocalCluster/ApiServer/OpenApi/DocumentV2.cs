using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>The OpenAPI 2.0 document of everything, with schemas reduced to what 2.0 and old clients understand.</summary>
static class DocumentV2
{
    static readonly string[] OnlyV3 = ["anyOf", "oneOf", "not", "allOf", "default", "nullable", "x-kubernetes-validations"];

    public static JsonObject Make(IReadOnlyList<ResourceType> types, JsonObject metadataSchema)
    {
        var definitions = new JsonObject();
        var paths = new JsonObject();
        foreach (var type in types)
        {
            var definition = DefinitionNames.Definition(type, _ => []);
            Reduce(definition);
            // a kind that takes anything at its root has none left
            if (definition["properties"] is JsonObject properties)
                properties["metadata"] = Reference(DefinitionNames.Meta);
            definitions[DefinitionNames.For(type)] = definition;
            if (type.Can("list"))
                definitions[DefinitionNames.For(type) + "List"] = DefinitionNames.ListDefinition(type, Reference);
            foreach (var (path, item) in ApiPaths.Of(type, Operation))
                paths[path] = item;
        }

        var metadata = (JsonObject)metadataSchema.DeepClone();
        Reduce(metadata);
        definitions[DefinitionNames.Meta] = metadata;
        definitions[DefinitionNames.ListMeta] = DefinitionNames.ListMetaDefinition();
        return new JsonObject
        {
            ["swagger"] = "2.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "unversioned" },
            ["paths"] = paths,
            ["definitions"] = definitions,
        };
    }

    /// <summary>Takes away what 2.0 does not have; where that would make a schema stricter than the truth, it says less instead.</summary>
    static void Reduce(JsonObject schema)
    {
        var isOpen = schema.Bool("x-kubernetes-preserve-unknown-fields") == true;
        var takesAnything = (schema.Bool("nullable") == true && schema.Str("format") != "date-time") || schema.Bool("x-kubernetes-int-or-string") == true;
        foreach (var name in OnlyV3)
            schema.Remove(name);
        if (takesAnything)
            schema.Remove("type");
        if (isOpen || takesAnything)
        {
            foreach (var name in (ReadOnlySpan<string>)["properties", "items", "additionalProperties", "required"])
                schema.Remove(name);
        }

        if (schema["additionalProperties"] is JsonValue)
            schema.Remove("additionalProperties");
        foreach (var (_, child) in schema.Obj("properties") ?? [])
        {
            if (child is JsonObject property)
                Reduce(property);
        }

        if (schema.Obj("items") is { } items)
            Reduce(items);
        if (schema.Obj("additionalProperties") is { } additional)
            Reduce(additional);
    }

    static JsonObject Operation(string verb, string action, ResourceType type, string[] parameters)
    {
        var operation = new JsonObject { ["operationId"] = ApiPaths.OperationId(action, type) };
        if (verb == "patch")
            operation["consumes"] = new JsonArray([.. ApiPaths.PatchTypes(type).Select(media => JsonValue.Create(media))]);
        operation["parameters"] = new JsonArray([.. parameters.Select(name =>
            new JsonObject { ["name"] = name, ["in"] = "query", ["type"] = "string" })]);
        operation["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } };
        operation["x-kubernetes-action"] = action;
        operation["x-kubernetes-group-version-kind"] = DefinitionNames.Kind(type);
        return operation;
    }

    static JsonObject Reference(string name) => new() { ["$ref"] = $"#/definitions/{name}" };
}
