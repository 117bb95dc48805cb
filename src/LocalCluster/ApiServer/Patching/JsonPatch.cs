using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Patching;

/// <summary>RFC 6902: a list of operations on paths.</summary>
static class JsonPatch
{
    const int MaxOperations = 10_000;

    public static JsonObject Apply(JsonObject target, JsonArray operations)
    {
        if (operations.Count > MaxOperations)
            throw ApiErrors.BadRequest($"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}");
        JsonNode? root = target;
        foreach (var operation in operations)
            root = ApplyOne(root, operation as JsonObject ?? throw Malformed("an operation is not an object"));
        return root as JsonObject ?? throw Malformed("the result is not an object");
    }

    static JsonNode? ApplyOne(JsonNode? root, JsonObject operation)
    {
        var path = Pointer(operation.Str("path") ?? throw Malformed("an operation has no path"));
        switch (operation.Str("op"))
        {
            case "add":
                return Add(root, path, Value(operation)?.DeepClone());
            case "remove":
                Remove(root, path);
                return root;
            case "replace":
                if (path.Length == 0)
                    return Value(operation)?.DeepClone();
                Remove(root, path);
                return Add(root, path, Value(operation)?.DeepClone());
            case "test":
                if (!TryGet(root, path, out var actual) && Value(operation) is not null)
                    throw Failed($"testing path {operation.Str("path")}: it does not exist");
                return JsonAccess.Same(actual, Value(operation)) ? root
                    : throw Failed($"testing value {operation.Str("path")} failed");
            case "copy":
                return Add(root, path, Get(root, From(operation))?.DeepClone());
            case "move":
                var from = From(operation);
                var moved = Get(root, from)?.DeepClone();
                Remove(root, from);
                return Add(root, path, moved);
            default:
                throw Malformed($"operation \"{operation.Str("op")}\" is not one of add, remove, replace, move, copy, test");
        }
    }

    static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out var value) ? value : throw Malformed($"operation {operation.Str("op")} has no value");

    static string[] From(JsonObject operation) => Pointer(operation.Str("from") ?? throw Malformed($"operation {operation.Str("op")} has no from"));

    static string[] Pointer(string text)
    {
        if (text.Length == 0)
            return [];
        if (text[0] != '/')
            throw Malformed($"path \"{text}\" does not start with /");
        return [.. text[1..].Split('/').Select(part => part.Replace("~1", "/").Replace("~0", "~"))];
    }

    static JsonNode? Add(JsonNode? root, string[] path, JsonNode? value)
    {
        if (path.Length == 0)
            return value;
        switch (Get(root, path[..^1]))
        {
            case JsonObject map:
                map[path[^1]] = value;
                return root;
            case JsonArray list when path[^1] == "-":
                list.Add(value);
                return root;
            case JsonArray list when Index(path[^1]) is { } at && at <= list.Count:
                list.Insert(at, value);
                return root;
            default:
                throw Missing("add", path);
        }
    }

    static void Remove(JsonNode? root, string[] path)
    {
        if (path.Length == 0)
            throw Malformed("the whole object cannot be removed");
        switch (Get(root, path[..^1]))
        {
            case JsonObject map when map.Remove(path[^1]):
                return;
            case JsonArray list when Index(path[^1]) is { } at && at < list.Count:
                list.RemoveAt(at);
                return;
            default:
                throw Missing("remove", path);
        }
    }

    static JsonNode? Get(JsonNode? root, string[] path) => TryGet(root, path, out var node) ? node : throw Missing("find", path);

    static bool TryGet(JsonNode? root, string[] path, out JsonNode? node)
    {
        node = root;
        foreach (var part in path)
        {
            switch (node)
            {
                case JsonObject map when map.TryGetPropertyValue(part, out var member):
                    node = member;
                    break;
                case JsonArray list when Index(part) is { } at && at < list.Count:
                    node = list[at];
                    break;
                default:
                    node = null;
                    return false;
            }
        }

        return true;
    }

    static int? Index(string part) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : null;

    static ApiException Missing(string what, string[] path) => Failed($"{what} operation does not apply: doc is missing path: /{string.Join('/', path)}");

    // What a real server answers when a well-formed patch does not fit the object.
    static ApiException Failed(string why) =>
        new(422, "Invalid", $"the server rejected our request due to an error in our request: {why}", new JsonObject());

    static ApiException Malformed(string why) => ApiErrors.BadRequest($"the JSON patch is not valid: {why}");
}
