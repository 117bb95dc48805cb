using System.Text.Json;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>The members of an object's metadata that selectors, collection and deletion ask for, read once from its bytes.</summary>
sealed record ObjectHeader(
    string Uid,
    string? DeletionTimestamp,
    int FinalizerCount,
    KeyValuePair<string, string>[] Labels,
    string[] OwnerUids)
{
    static readonly ObjectHeader Empty = new("", null, 0, [], []);

    public string? Label(string key)
    {
        foreach (var (name, value) in Labels)
        {
            if (name == key)
                return value;
        }

        return null;
    }

    public static ObjectHeader Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 256 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMetadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (isMetadata && reader.TokenType == JsonTokenType.StartObject)
                return ReadMetadata(ref reader);
            reader.Skip();
        }

        return Empty;
    }

    static ObjectHeader ReadMetadata(ref Utf8JsonReader reader)
    {
        var header = Empty;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("uid"u8))
                header = header with { Uid = ReadString(ref reader) ?? "" };
            else if (reader.ValueTextEquals("deletionTimestamp"u8))
                header = header with { DeletionTimestamp = ReadString(ref reader) };
            else if (reader.ValueTextEquals("finalizers"u8))
                header = header with { FinalizerCount = CountItems(ref reader) };
            else if (reader.ValueTextEquals("labels"u8))
                header = header with { Labels = ReadLabels(ref reader) };
            else if (reader.ValueTextEquals("ownerReferences"u8))
                header = header with { OwnerUids = ReadOwners(ref reader) };
            else
                SkipValue(ref reader);
        }

        return header;
    }

    static string? ReadString(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
            return reader.GetString();
        reader.Skip();
        return null;
    }

    static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    static int CountItems(ref Utf8JsonReader reader)
    {
        reader.Read();
        var count = 0;
        if (reader.TokenType != JsonTokenType.StartArray)
            return 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            reader.Skip();
            count++;
        }

        return count;
    }

    static KeyValuePair<string, string>[] ReadLabels(ref Utf8JsonReader reader)
    {
        reader.Read();
        var labels = new List<KeyValuePair<string, string>>();
        if (reader.TokenType != JsonTokenType.StartObject)
            return [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Keys repeat on thousands of objects: keep one copy of each.
            var key = string.Intern(reader.GetString()!);
            labels.Add(new(key, ReadString(ref reader) ?? ""));
        }

        return [.. labels];
    }

    static string[] ReadOwners(ref Utf8JsonReader reader)
    {
        reader.Read();
        var owners = new List<string>();
        if (reader.TokenType != JsonTokenType.StartArray)
            return [];
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (!reader.ValueTextEquals("uid"u8))
                    SkipValue(ref reader);
                else if (ReadString(ref reader) is { } uid)
                    owners.Add(uid);
            }
        }

        return [.. owners];
    }
}
