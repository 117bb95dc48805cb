using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>
/// A frame of the log: length and CRC-32C in 8 bytes, then the payload. One frame holds one batch, so that a write torn by a crash
/// can only damage the last frame of the file.
/// </summary>
static class LogFrame
{
    public const int HeaderSize = 8;

    /// <summary>Larger lengths are taken as damage, not as data.</summary>
    public const int MaxPayload = 1 << 28;

    public static void Seal(Span<byte> frame)
    {
        var payload = frame[HeaderSize..];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Checksum(payload));
    }

    public static bool TryRead(ReadOnlySpan<byte> file, int offset, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (file.Length - offset < HeaderSize)
            return false;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(file[offset..]);
        if (length is 0 or > MaxPayload || length > file.Length - offset - HeaderSize)
            return false;
        payload = file.Slice(offset + HeaderSize, (int)length);
        return Checksum(payload) == BinaryPrimitives.ReadUInt32LittleEndian(file[(offset + 4)..]);
    }

    static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        for (; data.Length >= 8; data = data[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (var value in data)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    public static void Reserve(ArrayBufferWriter<byte> buffer) => buffer.Advance(Clear(buffer.GetSpan(HeaderSize)));

    static int Clear(Span<byte> span)
    {
        span[..HeaderSize].Clear();
        return HeaderSize;
    }
}
