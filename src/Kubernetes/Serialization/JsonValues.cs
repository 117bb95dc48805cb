// One value inside a larger JSON text.
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Framelease.Kubernetes.Serialization;

static class JsonValues
{
    /// <summary>
    /// The value at which the reader stands; the reader is at its end then. JsonSerializer would go over the value twice: once to find its end,
    /// once to read it, which is nearly half of the time of a watch.
    /// </summary>
    /// <exception cref="JsonException">With the path of what is wrong.</exception>
    public static T? Read<T>(ref Utf8JsonReader reader, JsonTypeInfo<T> info)
        where T : class
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (info.Converter is not JsonConverter<T> converter)
            return JsonSerializer.Deserialize(ref reader, info);
        var begin = reader;
        try
        {
            return converter.Read(ref reader, typeof(T), info.Options);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            JsonSerializer.Deserialize(ref begin, info); // throws what this threw, and says where
            throw;
        }
    }
}
