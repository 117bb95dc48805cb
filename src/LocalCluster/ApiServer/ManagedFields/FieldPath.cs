using System.Text;
using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Schema;

namespace Framelease.LocalCluster.ApiServer.ManagedFields;

/// <summary>The steps of a path: how they are written in <c>fieldsV1</c>, and how messages show them.</summary>
static class FieldPath
{
    public static string Member(string name) => $"f:{name}";

    /// <summary>How an element of a set or map list is found again; null when it has none of its keys.</summary>
    public static string? Element(JsonNode? element, SchemaNode list, ListMerge merge)
    {
        if (merge == ListMerge.Set)
            return $"v:{Text(element)}";
        var keys = new JsonObject();
        foreach (var name in list.ListMapKeys.Order(StringComparer.Ordinal))
        {
            if (((element as JsonObject)?[name] ?? list.Items?.Property(name)?.Default) is { } value)
                keys[name] = value.DeepClone();
        }

        return keys.Count == 0 ? null : $"k:{Text(keys)}";
    }

    /// <summary><c>.name</c>, <c>[name="a"]</c> or <c>[="x"]</c>.</summary>
    public static string Show(string element)
    {
        if (element.StartsWith("f:", StringComparison.Ordinal))
            return $".{element[2..]}";
        if (element.StartsWith("v:", StringComparison.Ordinal))
            return $"[={element[2..]}]";
        if (element.StartsWith("k:", StringComparison.Ordinal) && Parse(element) is { } keys)
            return $"[{string.Join(",", keys.Select(key => $"{key.Key}={Text(key.Value)}"))}]";
        return $"[{element}]";
    }

    static JsonObject? Parse(string element)
    {
        try
        {
            return JsonReading.ParseObject(Encoding.UTF8.GetBytes(element[2..]));
        }
        catch (System.Text.Json.JsonException)
        {
            return null; // what a client wrote into managedFields is shown as it is
        }
    }

    static string Text(JsonNode? value) => value is null ? "null" : Encoding.UTF8.GetString(JsonWriting.ToUtf8(value));
}
