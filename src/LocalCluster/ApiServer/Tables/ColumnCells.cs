using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;

namespace Framelease.LocalCluster.ApiServer.Tables;

/// <summary>Reads the cell of a declared column out of an object.</summary>
static class ColumnCells
{
    public static JsonNode? Read(JsonObject item, PrinterColumn column, DateTimeOffset now)
    {
        var values = JsonPath.Read(item, column.JsonPath);
        if (values.Count == 0)
            return null;
        if (values.Count > 1)
            return string.Join(",", values.Select(Text));
        var value = values[0];
        return column.Type switch
        {
            "date" => value.AsString() is { } text ? Timestamps.Parse(text) is { } time ? Age.Format(now - time) : "<invalid>" : null,
            "integer" => value.AsInteger() is { } integer ? JsonValue.Create(integer) : null,
            "number" => value.AsNumber() is { } number ? JsonValue.Create(number) : null,
            "boolean" => value is JsonValue flag && flag.TryGetValue<bool>(out var isTrue) ? JsonValue.Create(isTrue) : null,
            _ => value is null ? null : Text(value),
        };
    }

    static string Text(JsonNode? value) => value.AsString() ?? value?.ToJsonString() ?? "";
}
