using System.Buffers.Binary;
using System.Text;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>Writes protobuf messages: fields in the order of the calls, nested messages by a callback. Empty scalars are left out.</summary>
sealed class ProtobufWriter
{
    readonly MemoryStream _bytes = new();

    public byte[] ToArray() => _bytes.ToArray();

    public ProtobufWriter Text(int field, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            Bytes(field, Encoding.UTF8.GetBytes(value));
        return this;
    }

    public ProtobufWriter Texts(int field, IEnumerable<string> values)
    {
        foreach (var value in values)
            Bytes(field, Encoding.UTF8.GetBytes(value));
        return this;
    }

    public ProtobufWriter Flag(int field, bool? value)
    {
        if (value == true)
        {
            Varint(((ulong)field << 3) | 0);
            Varint(1);
        }

        return this;
    }

    public ProtobufWriter Integer(int field, long? value)
    {
        if (value is { } number and not 0)
        {
            Varint(((ulong)field << 3) | 0);
            Varint((ulong)number);
        }

        return this;
    }

    public ProtobufWriter Real(int field, double? value)
    {
        if (value is not ({ } number and not 0))
            return this;
        Varint(((ulong)field << 3) | 1);
        Span<byte> bits = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(bits, number);
        _bytes.Write(bits);
        return this;
    }

    public ProtobufWriter Message(int field, Action<ProtobufWriter> write)
    {
        var inner = new ProtobufWriter();
        write(inner);
        Bytes(field, inner.ToArray());
        return this;
    }

    void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Varint(((ulong)field << 3) | 2);
        Varint((ulong)value.Length);
        _bytes.Write(value);
    }

    void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _bytes.WriteByte((byte)(value | 0x80));
        _bytes.WriteByte((byte)value);
    }
}
