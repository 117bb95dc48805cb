using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>The columns that kubectl users know for the small built-in kinds; pods, nodes and events have files of their own.</summary>
sealed class BuiltinRows(IReadOnlyList<PrinterColumn> columns, Func<JsonObject, DateTimeOffset, IEnumerable<JsonNode?>> cells) : ITableRows
{
    static readonly PrinterColumn AgeColumn = new("Age", "string", "", "", "Time since creation.");

    public IReadOnlyList<PrinterColumn> Columns => columns;

    public IEnumerable<JsonNode?> Cells(JsonObject item, DateTimeOffset now) => cells(item, now);

    public static ITableRows? For(string plural) => plural switch
    {
        "pods" => PodRows.Rows,
        "nodes" => NodeRows.Rows,
        "events" => EventRows.Rows,
        "namespaces" => Simple(["Status"], item => [item.Obj("status").Str("phase")]),
        "configmaps" => Simple(["Data"], item => [(item.Obj("data")?.Count ?? 0) + (item.Obj("binaryData")?.Count ?? 0)]),
        "secrets" => Simple(["Type", "Data"], item => [item.Str("type"), item.Obj("data")?.Count ?? 0]),
        "serviceaccounts" => Simple(["Secrets"], item => [item.Arr("secrets")?.Count ?? 0]),
        "leases" => Simple(["Holder"], item => [item.Obj("spec").Str("holderIdentity") ?? ""]),
        "services" => Simple(["Type", "Cluster-IP", "External-IP", "Port(s)"], Service),
        "customresourcedefinitions" => new BuiltinRows(
            [TableWriter.Name, new("Created At", "date", "", "", "When the definition was created.")],
            (item, _) => [item.NameOf(), item.Obj("metadata").Str("creationTimestamp")]),
        _ => null,
    };

    static BuiltinRows Simple(IEnumerable<string> names, Func<JsonObject, JsonNode?[]> middle) => new(
        [TableWriter.Name, .. names.Select(name => new PrinterColumn(name, name is "Data" or "Secrets" ? "integer" : "string", "")), AgeColumn],
        (item, now) => [item.NameOf(), .. middle(item), AgeOf(item, now)]);

    static JsonNode?[] Service(JsonObject item)
    {
        var spec = item.Obj("spec");
        var ports = (spec.Arr("ports") ?? []).Select(port =>
            $"{port.Int("port")}{(port.Int("nodePort") is { } node ? $":{node}" : "")}/{port.Str("protocol") ?? "TCP"}");
        return [spec.Str("type"), spec.Str("clusterIP") ?? "<none>", spec.Str("externalName") ?? "<none>", string.Join(',', ports)];
    }

    public static JsonNode AgeOf(JsonObject item, DateTimeOffset now) => Since(item.Obj("metadata").Str("creationTimestamp"), now);

    public static string Since(string? time, DateTimeOffset now) => Timestamps.Parse(time) is { } then ? Age.Format(now - then) : "<unknown>";
}
