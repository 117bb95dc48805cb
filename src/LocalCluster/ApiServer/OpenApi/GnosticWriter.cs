using System.Text;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>
/// Turns an OpenAPI 2.0 document into the protobuf message <c>openapi.v2.Document</c>, as far as kubectl reads it. The numbers are
/// those of that message; extensions travel as YAML texts, for which JSON serves.
/// </summary>
static class GnosticWriter
{
    public static byte[] Write(JsonObject document) => new ProtobufWriter()
        .Text(1, document.Str("swagger"))
        .Message(2, info => info.Text(1, document.Obj("info").Str("title")).Text(2, document.Obj("info").Str("version")))
        .Message(8, paths => Named(paths, 2, document.Obj("paths"), PathItem))
        .Message(9, definitions => Named(definitions, 1, document.Obj("definitions"), Schema))
        .ToArray();

    /// <summary>A map: repeated messages of name and value.</summary>
    static void Named(ProtobufWriter output, int field, JsonObject? map, Action<ProtobufWriter, JsonObject> write)
    {
        foreach (var (name, value) in map ?? [])
            output.Message(field, entry => entry.Text(1, name).Message(2, inner => write(inner, value as JsonObject ?? [])));
    }

    static void PathItem(ProtobufWriter output, JsonObject item)
    {
        foreach (var (verb, field) in (ReadOnlySpan<(string, int)>)[("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8)])
        {
            if (item.Obj(verb) is { } operation)
                output.Message(field, inner => Operation(inner, operation));
        }
    }

    static void Operation(ProtobufWriter output, JsonObject operation)
    {
        output.Text(5, operation.Str("operationId")).Texts(7, operation.Arr("consumes").Strings());
        foreach (var parameter in operation.Arr("parameters") ?? [])
        {
            // ParametersItem → Parameter → NonBodyParameter → QueryParameterSubSchema
            output.Message(8, item => item.Message(1, p => p.Message(2, nonBody => nonBody.Message(3, query =>
                query.Text(2, "query").Text(4, parameter.Str("name")).Text(6, "string")))));
        }

        output.Message(9, responses => Named(responses, 1, operation.Obj("responses"), (value, response) =>
            value.Message(1, inner => inner.Text(1, response.Str("description")))));
        Extensions(output, 13, operation);
    }

    static void Schema(ProtobufWriter output, JsonObject schema)
    {
        output.Text(1, schema.Str("$ref")).Text(2, schema.Str("format")).Text(3, schema.Str("title")).Text(4, schema.Str("description"))
            .Real(6, schema["multipleOf"].AsNumber())
            .Real(7, schema["maximum"].AsNumber()).Flag(8, schema.Bool("exclusiveMaximum"))
            .Real(9, schema["minimum"].AsNumber()).Flag(10, schema.Bool("exclusiveMinimum"))
            .Integer(11, schema.Int("maxLength")).Integer(12, schema.Int("minLength")).Text(13, schema.Str("pattern"))
            .Integer(14, schema.Int("maxItems")).Integer(15, schema.Int("minItems")).Flag(16, schema.Bool("uniqueItems"))
            .Integer(17, schema.Int("maxProperties")).Integer(18, schema.Int("minProperties"))
            .Texts(19, schema.Arr("required").Strings());
        foreach (var choice in schema.Arr("enum") ?? [])
            output.Message(20, any => Yaml(any, choice));
        if (schema.Obj("additionalProperties") is { } additional)
            output.Message(21, item => item.Message(1, inner => Schema(inner, additional)));
        if (schema.Str("type") is { } type)
            output.Message(22, item => item.Text(1, type));
        if (schema.Obj("items") is { } items)
            output.Message(23, item => item.Message(1, inner => Schema(inner, items)));
        if (schema.Obj("properties") is { } properties)
            output.Message(25, map => Named(map, 1, properties, Schema));
        Extensions(output, 31, schema);
    }

    static void Extensions(ProtobufWriter output, int field, JsonObject source)
    {
        foreach (var (name, value) in source)
        {
            if (name.StartsWith("x-", StringComparison.Ordinal))
                output.Message(field, entry => entry.Text(1, name).Message(2, any => Yaml(any, value)));
        }
    }

    static void Yaml(ProtobufWriter output, JsonNode? value) =>
        output.Text(2, value is null ? "null" : Encoding.UTF8.GetString(JsonWriting.ToUtf8(value)) + "\n");
}
