using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.RegularExpressions;
using System.Text.Json.Serialization.Metadata;
using Framelease.WorkerProtocol;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/openapi/v1.json</c>, OpenAPI 3.1: made of the mapped routes and of the very types that they write, so that it cannot tell of others.
/// </summary>
static partial class OpenApiDocument
{
    static readonly JsonSchemaExporterOptions Exporting = new() { TreatNullObliviousAsNonNullable = true };

    public static void Map(IEndpointRouteBuilder routes, ApiRoutes api)
    {
        byte[]? document = null;
        routes.MapGet("/openapi/v1.json", async context =>
        {
            // Made when somebody asks for the first time: few do.
            document ??= Encoding.UTF8.GetBytes(Of(api.Operations).ToJsonString());
            context.Response.ContentType = "application/json";
            await context.Response.Body.WriteAsync(document, context.RequestAborted);
        });
    }

    public static JsonObject Of(IReadOnlyList<ApiOperation> operations)
    {
        var schemas = new JsonObject();
        var problem = Reference(ProtocolJson.Default.Problem, schemas);
        var paths = new JsonObject();
        foreach (var path in operations.GroupBy(o => o.Pattern, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
            paths[path.Key] = new JsonObject(path.Select(o => KeyValuePair.Create(o.Method, (JsonNode?)Operation(o, schemas, problem))));
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "Framelease", ["version"] = "v1",
                ["description"] = "Tasks, leases, devices, their history, and the monitoring of the platform. Bearer tokens of the cluster, "
                    + "checked by TokenReview and SubjectAccessReview. Errors are RFC 9457 problem details.",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject(schemas.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s =>
                    KeyValuePair.Create(s.Key, s.Value?.DeepClone()))),
                ["securitySchemes"] = new JsonObject { ["bearer"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" } },
            },
            ["security"] = new JsonArray(new JsonObject { ["bearer"] = new JsonArray() }),
        };
    }

    static JsonObject Operation(ApiOperation o, JsonObject schemas, JsonObject problem)
    {
        var operation = new JsonObject { ["operationId"] = Id(o), ["summary"] = o.Summary };
        var inPath = PathParameter().Matches(o.Pattern).Select(m => Parameter(m.Groups["name"].Value, "path", null, "string"));
        var key = o.Creates ? [Parameter(IdempotencyKey.Header, "header", IdempotencyKey.Description, "string")] : Array.Empty<JsonNode>();
        JsonNode[] parameters = [.. inPath, .. o.Query.Select(q => Parameter(q.Name, "query", q.Description, q.Type)), .. key];
        if (parameters.Length > 0)
            operation["parameters"] = new JsonArray(parameters);
        if (o.Request is { } request)
            operation["requestBody"] = new JsonObject
            {
                ["required"] = true,
                ["content"] = Content("application/json", Reference(request, schemas))
            };
        var answer = o.Response is { } type
            ? Content("application/json", Reference(type, schemas))
            : Content("text/event-stream", new JsonObject { ["type"] = "string" });
        var responses = operation["responses"] = new JsonObject
        {
            ["200"] = new JsonObject { ["description"] = o.Creates ? "It was there already" : "OK", ["content"] = answer },
        };
        if (o.Creates)
            responses["201"] = new JsonObject { ["description"] = "Created", ["content"] = answer.DeepClone() };
        responses["default"] = new JsonObject
        {
            ["description"] = "What is wrong, and how to mend it",
            ["content"] = Content("application/problem+json", problem.DeepClone()),
        };
        return operation;
    }

    static JsonNode Parameter(string name, string place, string? description, string type)
    {
        var parameter = new JsonObject
        {
            ["name"] = name, ["in"] = place, ["required"] = place == "path", ["schema"] = new JsonObject { ["type"] = type },
        };
        if (description is not null)
            parameter["description"] = description;
        return parameter;
    }

    static JsonObject Content(string mediaType, JsonNode schema) => new() { [mediaType] = new JsonObject { ["schema"] = schema } };

    static JsonObject Reference(JsonTypeInfo type, JsonObject schemas)
    {
        var name = Name(type.Type);
        schemas[name] ??= JsonSchemaExporter.GetJsonSchemaAsNode(type, Exporting);
        return new JsonObject { ["$ref"] = "#/components/schemas/" + name };
    }

    static string Name(Type type) => type.IsGenericType
        ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)] + "Of" + string.Concat(type.GetGenericArguments().Select(Name))
        : type.Name;

    // getLeasesHistory, postMonitoringReleaseLock
    static string Id(ApiOperation o)
    {
        var words = o.Pattern["/api/v1/".Length..].Split(['/', '-'], StringSplitOptions.RemoveEmptyEntries).Where(w => !w.StartsWith('{'));
        var id = o.Method + string.Concat(words.Select(w => char.ToUpper(w[0], CultureInfo.InvariantCulture) + w[1..]));
        return PathParameter().Count(o.Pattern) > 1 ? id + "OfPool" : id;
    }

    [GeneratedRegex("{(?<name>[a-z]+)}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PathParameter();
}
