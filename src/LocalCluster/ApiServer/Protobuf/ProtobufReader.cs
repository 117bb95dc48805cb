using System.Buffers.Binary;
using System.Text;

namespace Framelease.LocalCluster.ApiServer.Protobuf;

/// <summary>The bytes are not a protobuf message.</summary>
sealed class ProtobufException(string message) : Exception(message);

/// <summary>Reads the fields of one protobuf message.</summary>
ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    ReadOnlySpan<byte> _left = bytes;

    public int Field { get; private set; }

    /// <summary>The value of a number field.</summary>
    public ulong Number { get; private set; }

    /// <summary>The value of a string, bytes or message field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <exception cref="ProtobufException">The message ends inside a field, or holds a type that is not known.</exception>
    public bool Read()
    {
        if (_left.IsEmpty)
            return false;
        var tag = Varint();
        Field = (int)(tag >> 3);
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                return true;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                return true;
            case 2:
                var length = Varint();
                Bytes = length <= int.MaxValue ? Take((int)length) : throw Broken();
                return true;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                return true;
            default:
                throw Broken();
        }
    }

    ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }

        throw Broken();
    }

    ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > _left.Length)
            throw Broken();
        var taken = _left[..length];
        _left = _left[length..];
        return taken;
    }

    static ProtobufException Broken() => new("the protobuf message is cut short or not a message");
}
