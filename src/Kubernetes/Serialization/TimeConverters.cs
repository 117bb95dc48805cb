// Times on the wire. metav1.Time is RFC 3339 in UTC; metav1.MicroTime wants exactly six digits after the point.
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Framelease.Kubernetes.Serialization;

/// <summary>RFC 3339 in UTC with a trailing Z; a fraction (at most microseconds) only when there is one.</summary>
sealed class TimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Times.Read(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        Times.Write(writer, value, "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'");
}

/// <summary>metav1.MicroTime: Go's parser refuses any other number of digits.</summary>
public sealed class MicroTimeConverter : JsonConverter<DateTimeOffset?>
{
    public override DateTimeOffset? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? null : Times.Read(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset? value, JsonSerializerOptions options)
    {
        if (value is { } time)
            Times.Write(writer, time, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");
        else
            writer.WriteNullValue();
    }
}

static class Times
{
    public static DateTimeOffset Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var fast))
            return fast;

        // Go writes up to nine digits of fraction; the fast path takes seven.
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new JsonException($"'{text}' is not an RFC 3339 time");
    }

    public static void Write(Utf8JsonWriter writer, DateTimeOffset value, string format)
    {
        Span<char> buffer = stackalloc char[40];
        value.UtcDateTime.TryFormat(buffer, out var length, format, CultureInfo.InvariantCulture);
        writer.WriteStringValue(buffer[..length]);
    }
}
