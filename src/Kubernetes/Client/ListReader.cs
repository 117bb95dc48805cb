// A list, straight from UTF-8 into its items: no list type per kind, no intermediate tree.
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

static class ListReader
{
    public static KubernetesList<T> Read<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> info)
        where T : class
    {
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 128 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("a list must be a JSON object");
        var items = new List<T>();
        ListMeta? metadata = null;
        var hasItems = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                hasItems = true;
                ReadItems(ref reader, info, items);
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                metadata = JsonValues.Read(ref reader, KubernetesJson.Default.Info<ListMeta>());
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return hasItems ? new(items, metadata ?? new()) : throw new JsonException("a list must have items");
    }

    static void ReadItems<T>(ref Utf8JsonReader reader, JsonTypeInfo<T> info, List<T> items)
        where T : class
    {
        if (reader.TokenType == JsonTokenType.Null)
            return; // Go writes an empty list as null now and then
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("items must be an array");
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            items.Add(JsonValues.Read(ref reader, info) ?? throw new JsonException("null among the items"));
    }
}
