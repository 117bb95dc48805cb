using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.LocalCluster.ApiServer.Json;

/// <summary>Writes nodes as compact UTF-8, escaping only what JSON demands.</summary>
static class JsonWriting
{
    public static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] ToUtf8(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Compact))
            node.WriteTo(writer);
        return buffer.WrittenSpan.ToArray();
    }

    public static void Write(IBufferWriter<byte> output, JsonNode node)
    {
        using var writer = new Utf8JsonWriter(output, Compact);
        node.WriteTo(writer);
    }
}
