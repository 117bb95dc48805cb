using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Tables;

namespace Framelease.LocalCluster.ApiServer.Builtin;

/// <summary>Events as a story: when, what kind, why, about what, and the message. Serves both faces of the kind.</summary>
static class EventRows
{
    public static readonly BuiltinRows Rows = new(
        [
            new("Last Seen", "string", ""), new("Type", "string", ""), new("Reason", "string", ""), new("Object", "string", ""),
            new("Subobject", "string", "", Priority: 1), new("Source", "string", "", Priority: 1), new("Message", "string", ""),
            new("First Seen", "string", "", Priority: 1), new("Count", "string", "", Priority: 1), TableWriter.Name with { Priority = 1 },
        ],
        Cells);

    static IEnumerable<JsonNode?> Cells(JsonObject item, DateTimeOffset now)
    {
        var about = item.Obj("involvedObject") ?? item.Obj("regarding");
        var first = item.Str("firstTimestamp") ?? item.Str("deprecatedFirstTimestamp") ?? item.Str("eventTime");
        var last = item.Obj("series").Str("lastObservedTime") ?? item.Str("lastTimestamp") ?? item.Str("deprecatedLastTimestamp") ?? first;
        var count = item.Obj("series").Int("count") ?? item.Int("count") ?? item.Int("deprecatedCount") ?? 1;
        var source = item.Obj("source") ?? item.Obj("deprecatedSource");
        var component = source.Str("component") ?? item.Str("reportingComponent") ?? item.Str("reportingController") ?? "";
        return
        [
            BuiltinRows.Since(last, now), item.Str("type"), item.Str("reason"), $"{about.Str("kind")?.ToLowerInvariant()}/{about.Str("name")}",
            about.Str("fieldPath") ?? "", source.Str("host") is { } host ? $"{component}, {host}" : component,
            (item.Str("message") ?? item.Str("note") ?? "").Trim(), BuiltinRows.Since(first, now), count.ToString(), item.NameOf(),
        ];
    }
}
