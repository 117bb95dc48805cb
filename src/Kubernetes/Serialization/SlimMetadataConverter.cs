// metadata without what most controllers never read and all of them pay for.
using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Serialization;

/// <summary>
/// Put it on the Metadata property of a slim type: name, namespace, uid, resourceVersion, generation and deletionTimestamp are kept; labels,
/// annotations, owners, finalizers and managed fields are skipped unread. For stores that only look; what is written back needs the whole.
/// </summary>
public sealed class SlimMetadataConverter : JsonConverter<ObjectMeta>
{
    public override ObjectMeta Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("metadata must be an object");
        string? name = null, ns = null, uid = null, version = null;
        long? generation = null;
        DateTimeOffset? deleted = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("name"u8))
                name = Text(ref reader);
            else if (reader.ValueTextEquals("namespace"u8))
                ns = Text(ref reader);
            else if (reader.ValueTextEquals("uid"u8))
                uid = Text(ref reader);
            else if (reader.ValueTextEquals("resourceVersion"u8))
                version = Text(ref reader);
            else if (reader.ValueTextEquals("generation"u8) && reader.Read())
                generation = reader.TokenType == JsonTokenType.Null ? null : reader.GetInt64();
            else if (reader.ValueTextEquals("deletionTimestamp"u8) && reader.Read())
                deleted = reader.TokenType == JsonTokenType.Null ? null : Times.Read(ref reader);
            else
                reader.Skip();
        }

        return new()
        {
            Name = name, Namespace = ns, Uid = uid, ResourceVersion = version, Generation = generation, DeletionTimestamp = deleted,
        };
    }

    /// <exception cref="NotSupportedException">Always: half of an object's metadata would be lost.</exception>
    public override void Write(Utf8JsonWriter writer, ObjectMeta value, JsonSerializerOptions options) =>
        throw new NotSupportedException("slim metadata is only read: patch the object instead");

    static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String => reader.GetString(),
            _ => throw new JsonException("metadata holds something else than text"),
        };
    }
}
