using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Json;

/// <summary>
/// Reads JSON bytes into nodes the way a Kubernetes API server does: the last of two equal keys wins, and the paths of the
/// duplicates are reported, because strict field validation must name them. (JsonNode's own parser throws on duplicates, late.)
/// </summary>
static class JsonReading
{
    const int MaxDepth = 256;

    public static JsonObject ParseObject(ReadOnlySpan<byte> utf8, List<string>? duplicates = null) =>
        Parse(utf8, duplicates) as JsonObject ?? throw new JsonException("expected a JSON object");

    public static JsonNode? Parse(ReadOnlySpan<byte> utf8, List<string>? duplicates = null)
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        if (!reader.Read())
            throw new JsonException("expected a JSON value, found nothing");
        var node = ReadValue(ref reader, duplicates, "");
        if (reader.Read())
            throw new JsonException("found more data after the JSON value");
        return node;
    }

    static JsonNode? ReadValue(ref Utf8JsonReader reader, List<string>? duplicates, string path) => reader.TokenType switch
    {
        JsonTokenType.StartObject => ReadObject(ref reader, duplicates, path),
        JsonTokenType.StartArray => ReadArray(ref reader, duplicates, path),
        JsonTokenType.String => JsonValue.Create(reader.GetString()),
        JsonTokenType.Number => reader.TryGetInt64(out var integer) ? JsonValue.Create(integer) : JsonValue.Create(reader.GetDouble()),
        JsonTokenType.True => JsonValue.Create(true),
        JsonTokenType.False => JsonValue.Create(false),
        _ => null,
    };

    static JsonObject ReadObject(ref Utf8JsonReader reader, List<string>? duplicates, string path)
    {
        var result = new JsonObject();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            var childPath = duplicates is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
            reader.Read();
            if (duplicates is not null && result.ContainsKey(name))
                duplicates.Add(childPath);
            result[name] = ReadValue(ref reader, duplicates, childPath);
        }

        return result;
    }

    static JsonArray ReadArray(ref Utf8JsonReader reader, List<string>? duplicates, string path)
    {
        var result = new JsonArray();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            result.Add(ReadValue(ref reader, duplicates, duplicates is null ? "" : $"{path}[{result.Count}]"));
        return result;
    }

    /// <summary>True when the bytes hold a JSON object; used where the content type does not say.</summary>
    public static string Utf8(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
