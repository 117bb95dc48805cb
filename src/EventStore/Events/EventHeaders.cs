using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Framelease.EventStore;

/// <summary>The headers column: a JSON object of strings. Values of other kinds (another writer's) are read as their JSON text.</summary>
internal static class EventHeaders
{
    /// <summary>Only written above 1.</summary>
    public const string DataVersion = "data-version";
    const int MostHeaders = 32, LongestName = 64, LongestValue = 1024;

    public static IReadOnlyDictionary<string, string> None { get; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Null when there is nothing to write.</summary>
    public static string? Write(IReadOnlyDictionary<string, string> headers, int dataVersion)
    {
        if (headers.Count == 0 && dataVersion == 1) return null;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var (name, value) in headers) json.WriteString(name, value);
            if (dataVersion > 1) json.WriteString(DataVersion, dataVersion.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static (IReadOnlyDictionary<string, string> Headers, int DataVersion) Read(string? json)
    {
        if (json is null) return (None, 1);
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) return (None, 1);
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        var version = 1;
        foreach (var property in document.RootElement.EnumerateObject())
        {
            var value = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
            if (property.Name == DataVersion && int.TryParse(value, CultureInfo.InvariantCulture, out var parsed)) version = parsed;
            else headers[property.Name] = value;
        }
        return (headers.Count == 0 ? None : headers, version);
    }

    public static void Validate(IReadOnlyDictionary<string, string> headers)
    {
        if (headers.Count > MostHeaders)
            throw new ArgumentException($"{headers.Count} headers; at most {MostHeaders} are allowed.", nameof(headers));
        foreach (var (name, value) in headers)
        {
            if (name.Length is 0 or > LongestName || name == DataVersion)
                throw new ArgumentException($"Header name '{name}' must have 1 to {LongestName} characters and not be '{DataVersion}'.", nameof(headers));
            if (value.Length > LongestValue)
                throw new ArgumentException($"Header '{name}' has {value.Length} characters; at most {LongestValue} are allowed.", nameof(headers));
        }
    }
}
