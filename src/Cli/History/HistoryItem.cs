using System.Globalization;
using System.Text.Json.Nodes;

namespace Framelease.Cli.History;

/// <summary>One event of the log, as the operator's API tells it.</summary>
sealed record HistoryItem(long Sequence, string Stream, long Version, string Type, DateTimeOffset Timestamp, JsonObject Data, JsonObject Raw)
{
    public static IReadOnlyList<HistoryItem> FromAnswer(JsonObject answer) =>
        [.. (answer["items"] as JsonArray ?? []).OfType<JsonObject>().Select(Parse)];

    static HistoryItem Parse(JsonObject item) => new(
        (long?)item["sequence"] ?? 0,
        (string?)item["stream"] ?? "",
        (long?)item["version"] ?? 0,
        ClassName((string?)item["type"] ?? "?"),
        DateTimeOffset.TryParse((string?)item["timestamp"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default,
        item["data"] as JsonObject ?? [],
        item);

    // The log stores lease_granted (Marten's alias); the class name is what documents and people use.
    static string ClassName(string type) =>
        type.Contains('_', StringComparison.Ordinal) || type.Length > 0 && char.IsAsciiLetterLower(type[0])
            ? string.Concat(type.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => char.ToUpperInvariant(word[0]) + word[1..]))
            : type;
}
