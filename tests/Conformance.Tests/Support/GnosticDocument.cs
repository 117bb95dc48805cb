using System.Text;

namespace Framelease.Conformance.Tests.Support;

/// <summary>Decodes the protobuf form of an OpenAPI 2.0 document, by the field numbers of <c>openapi.v2.Document</c>.</summary>
public sealed class GnosticDocument(ReadOnlyMemory<byte> message)
{
    public static Dictionary<string, GnosticDocument> Definitions(byte[] document) =>
        Map(Fields(document).Single(entry => entry.Number == 9).Bytes, 1).ToDictionary(pair => pair.Name, pair => new GnosticDocument(pair.Value));

    public string Reference => Text(1);

    public string Type => Fields(message).Where(entry => entry.Number == 22).Select(entry => new GnosticDocument(entry.Bytes).Text(1)).SingleOrDefault("");

    public IEnumerable<string> Required => Fields(message).Where(entry => entry.Number == 19).Select(entry => Encoding.UTF8.GetString(entry.Bytes.Span));

    public GnosticDocument Additional => new(Inner(21).Message(1));

    public GnosticDocument Items => new(Inner(23).Message(1));

    public GnosticDocument Property(string name) => new(Map(Message(25), 1).Single(pair => pair.Name == name).Value);

    public string Extension(string name) => new GnosticDocument(Map(message, 31).Single(pair => pair.Name == name).Value).Text(2);

    GnosticDocument Inner(int number) => new(Message(number));

    ReadOnlyMemory<byte> Message(int number) => Fields(message).Single(entry => entry.Number == number).Bytes;

    string Text(int number) => Fields(message).Where(entry => entry.Number == number).Select(entry => Encoding.UTF8.GetString(entry.Bytes.Span)).SingleOrDefault("");

    static IEnumerable<(string Name, ReadOnlyMemory<byte> Value)> Map(ReadOnlyMemory<byte> message, int number) =>
        Fields(message).Where(entry => entry.Number == number).Select(entry =>
            (new GnosticDocument(entry.Bytes).Text(1), Fields(entry.Bytes).Where(inner => inner.Number == 2).Select(inner => inner.Bytes).SingleOrDefault()));

    static IEnumerable<(int Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message, ref at);
            var length = (tag & 7) switch { 0 => Skip(message, at), 1 => 8, 5 => 4, 2 => (int)Varint(message, ref at), _ => throw new FormatException($"wire type {tag & 7}") };
            yield return ((int)(tag >> 3), message.Slice(at, length));
            at += length;
        }
    }

    static int Skip(ReadOnlyMemory<byte> message, int at)
    {
        var end = at;
        Varint(message, ref end);
        return end - at;
    }

    static ulong Varint(ReadOnlyMemory<byte> message, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = message.Span[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
