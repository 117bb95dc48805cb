using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>The OpenAPI 3.0 document of one group and version.</summary>
static class DocumentV3
{
    public static JsonObject Make(IReadOnlyList<ResourceType> types, JsonObject metadataSchema)
    {
        var schemas = new JsonObject();
        var paths = new JsonObject();
        foreach (var type in types)
        {
            schemas[DefinitionNames.For(type)] = DefinitionNames.Definition(type, Wrapped);
            if (type.Can("list"))
                schemas[DefinitionNames.For(type) + "List"] = DefinitionNames.ListDefinition(type, Reference);
            foreach (var (path, item) in ApiPaths.Of(type, Operation))
                paths[path] = item;
        }

        schemas[DefinitionNames.ListMeta] = DefinitionNames.ListMetaDefinition();
        schemas[DefinitionNames.Meta] = metadataSchema.DeepClone();
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "unversioned" },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        };
    }

    static JsonObject Operation(string verb, string action, ResourceType type, string[] parameters)
    {
        var operation = new JsonObject
        {
            ["operationId"] = ApiPaths.OperationId(action, type),
            ["parameters"] = new JsonArray([.. parameters.Select(name => new JsonObject
            {
                ["name"] = name,
                ["in"] = "query",
                ["schema"] = new JsonObject { ["type"] = "string", ["uniqueItems"] = true },
            })]),
        };
        if (verb is "post" or "put")
            operation["requestBody"] = Body(["application/json"], type);
        else if (verb == "patch")
            operation["requestBody"] = Body(ApiPaths.PatchTypes(type), null);
        operation["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } };
        operation["x-kubernetes-action"] = action;
        operation["x-kubernetes-group-version-kind"] = DefinitionNames.Kind(type);
        return operation;
    }

    static JsonObject Body(IEnumerable<string> mediaTypes, ResourceType? type) => new()
    {
        ["content"] = new JsonObject(mediaTypes.Select(media => KeyValuePair.Create(media, (JsonNode?)new JsonObject
        {
            ["schema"] = type is null ? new JsonObject { ["type"] = "object" } : Reference(DefinitionNames.For(type)),
        }))),
        ["required"] = true,
    };

    static JsonObject Reference(string name) => new() { ["$ref"] = $"#/components/schemas/{name}" };

    // Members beside a $ref are ignored, so a described reference is wrapped.
    static JsonObject Wrapped(string name) => new()
    {
        ["description"] = "Standard object metadata.",
        ["allOf"] = new JsonArray(Reference(name)),
    };
}
