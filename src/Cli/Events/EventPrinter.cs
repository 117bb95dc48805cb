// One event a line, for people or as JSON Lines.
using System.Globalization;
using System.Text.Json.Nodes;
using Framelease.Cli.History;
using Framelease.Cli.Terminal;
using Framelease.EventStore;

namespace Framelease.Cli.Events;

static class EventPrinter
{
    public static JsonObject ToJson(EventEnvelope e)
    {
        var json = new JsonObject
        {
            ["sequence"] = e.Sequence,
            ["stream"] = e.Stream,
            ["version"] = e.Version,
            ["type"] = e.TypeName,
            ["timestamp"] = Time(e),
            ["id"] = e.Id.ToString(),
            ["actor"] = e.Actor,
            ["correlationId"] = e.CorrelationId,
            ["causationId"] = e.CausationId,
        };
        if (e.Headers.Count > 0)
            json["headers"] = new JsonObject(e.Headers.Select(h => KeyValuePair.Create<string, JsonNode?>(h.Key, h.Value)));
        if (e.Data is UnknownEvent unknown)
            json["unreadable"] = unknown.Reason;
        json["data"] = JsonNode.Parse(e.Raw.Span);
        return json;
    }

    /// <summary>Fixed columns, so that lines that come one by one stand below each other.</summary>
    public static string ToLine(EventEnvelope e, CommandConsole console)
    {
        var details = JsonNode.Parse(e.Raw.Span) is JsonObject data ? EventDetails.Of(data) : "";
        if (e.Data is UnknownEvent unknown)
            details = $"[{unknown.Reason}] {details}";
        var line = string.Create(
            CultureInfo.InvariantCulture, $"{e.Sequence,8}  {Time(e)}  {e.Stream + "@" + e.Version,-48}  {e.TypeName,-24}  {details}");
        return Format.OneLine(line, console.IsTerminal ? Math.Max(100, console.Width) : 400).TrimEnd();
    }

    static string Time(EventEnvelope e) => e.Timestamp.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}
