using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Json;

/// <summary>Reads members of loosely typed objects without throwing when the type is not the one hoped for.</summary>
static class JsonAccess
{
    public static JsonObject? Obj(this JsonNode? node, string name) => (node as JsonObject)?[name] as JsonObject;

    public static JsonArray? Arr(this JsonNode? node, string name) => (node as JsonObject)?[name] as JsonArray;

    public static string? Str(this JsonNode? node, string name) => (node as JsonObject)?[name].AsString();

    public static long? Int(this JsonNode? node, string name) => (node as JsonObject)?[name].AsInteger();

    public static bool? Bool(this JsonNode? node, string name) =>
        (node as JsonObject)?[name] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static string? AsString(this JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>Whole numbers, also those written as 3.0. Nodes made in code may hold an int, parsed ones hold a long or a double.</summary>
    public static long? AsInteger(this JsonNode? node) => node is not JsonValue value ? null
        : value.TryGetValue<long>(out var integer) ? integer
        : value.TryGetValue<int>(out var small) ? small
        : value.TryGetValue<double>(out var real) && real == Math.Floor(real) && Math.Abs(real) < 9.2e18 ? (long)real
        : null;

    public static double? AsNumber(this JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<double>(out var real) ? real : node.AsInteger();

    /// <summary>The member as an object, created empty when it is absent or of another type.</summary>
    public static JsonObject Ensure(this JsonObject node, string name)
    {
        if (node[name] is JsonObject existing)
            return existing;
        var created = new JsonObject();
        node[name] = created;
        return created;
    }

    /// <summary>Follows member names; null as soon as one is missing.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
            node = (node as JsonObject)?[name];
        return node;
    }

    public static IEnumerable<string> Strings(this JsonArray? array) =>
        array is null ? [] : array.Select(item => item.AsString()).OfType<string>();

    public static bool Same(JsonNode? left, JsonNode? right) => JsonNode.DeepEquals(left, right);

    public static JsonValueKind KindOf(JsonNode? node) => node?.GetValueKind() ?? JsonValueKind.Null;
}
