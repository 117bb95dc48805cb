// One line of a watch, parsed once from UTF-8 into the type asked for.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

static class WatchReader
{
    const string InitialEventsEnd = "k8s.io/initial-events-end";

    /// <exception cref="KubernetesException">The event is an error, or the line is not a watch event.</exception>
    public static WatchEvent<T> Read<T>(string what, ReadOnlySpan<byte> line, JsonTypeInfo<T> info)
        where T : class
    {
        try
        {
            var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 128 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new JsonException("an event must be a JSON object");
            Kind? kind = null;
            var saved = default(Utf8JsonReader);
            var isSaved = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8))
                {
                    reader.Read();
                    kind = ReadKind(ref reader);
                    if (isSaved)
                        return ReadObject(what, kind.Value, ref saved, info);
                }
                else if (reader.ValueTextEquals("object"u8))
                {
                    reader.Read();
                    if (kind is { } known)
                        return ReadObject(what, known, ref reader, info);
                    saved = reader;
                    isSaved = true;
                    reader.Skip();
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }

            throw new JsonException("an event must have a type and an object");
        }
        catch (JsonException error)
        {
            throw KubernetesErrors.InvalidResponse(what, error.Message, error);
        }
    }

    static WatchEvent<T> ReadObject<T>(string what, Kind kind, ref Utf8JsonReader reader, JsonTypeInfo<T> info)
        where T : class
    {
        switch (kind)
        {
            case Kind.Error:
                var status = JsonValues.Read(ref reader, KubernetesJson.Default.Info<Status>()) ?? new();
                throw KubernetesErrors.FromStatus(what, status);
            case Kind.Bookmark:
                var mark = JsonValues.Read(ref reader, KubernetesJson.Default.Info<PartialObject>());
                var version = mark?.Metadata.ResourceVersion ?? throw new JsonException("a bookmark without resourceVersion");
                return new(WatchEventType.Bookmark, null, version, mark.Metadata.Annotations?.GetValueOrDefault(InitialEventsEnd) == "true");
            default:
                var value = JsonValues.Read(ref reader, info) ?? throw new JsonException("an event without object");
                return new((WatchEventType)kind, value, ObjectInfo.ResourceVersion(value) ?? throw new JsonException("an object without resourceVersion"));
        }
    }

    static Kind ReadKind(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("MODIFIED"u8))
            return Kind.Modified;
        if (reader.ValueTextEquals("ADDED"u8))
            return Kind.Added;
        if (reader.ValueTextEquals("DELETED"u8))
            return Kind.Deleted;
        if (reader.ValueTextEquals("BOOKMARK"u8))
            return Kind.Bookmark;
        if (reader.ValueTextEquals("ERROR"u8))
            return Kind.Error;
        throw new JsonException($"unknown event type '{reader.GetString()}'");
    }

    enum Kind
    {
        Added = WatchEventType.Added,
        Modified = WatchEventType.Modified,
        Deleted = WatchEventType.Deleted,
        Bookmark = WatchEventType.Bookmark,
        Error,
    }
}
