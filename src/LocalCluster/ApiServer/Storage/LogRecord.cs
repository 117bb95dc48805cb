using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>One change inside a frame: kind, revision, resource, namespace, name, and the object's bytes.</summary>
readonly record struct LogRecord(LogRecordKind Kind, StoredObject Object)
{
    public void Write(IBufferWriter<byte> output)
    {
        var head = output.GetSpan(9);
        head[0] = (byte)Kind;
        BinaryPrimitives.WriteInt64LittleEndian(head[1..], Object.Revision);
        output.Advance(9);
        WriteText(output, Object.Resource);
        WriteText(output, Object.Key.Namespace);
        WriteText(output, Object.Key.Name);
        WriteBytes(output, Object.Json);
    }

    public static LogRecord Read(ref ReadOnlySpan<byte> input)
    {
        var kind = (LogRecordKind)input[0];
        var revision = BinaryPrimitives.ReadInt64LittleEndian(input[1..]);
        input = input[9..];
        // The same few resource and namespace names come back on every record.
        var resource = string.Intern(ReadText(ref input));
        var key = new ObjectKey(string.Intern(ReadText(ref input)), ReadText(ref input));
        return new LogRecord(kind, new StoredObject(resource, key, revision, ReadBytes(ref input).ToArray()));
    }

    static void WriteText(IBufferWriter<byte> output, string text) => WriteBytes(output, Encoding.UTF8.GetBytes(text));

    static void WriteBytes(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), bytes.Length);
        output.Advance(4);
        output.Write(bytes);
    }

    static string ReadText(ref ReadOnlySpan<byte> input) => Encoding.UTF8.GetString(ReadBytes(ref input));

    static ReadOnlySpan<byte> ReadBytes(ref ReadOnlySpan<byte> input)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(input);
        var bytes = input.Slice(4, length);
        input = input[(4 + length)..];
        return bytes;
    }
}

enum LogRecordKind : byte
{
    /// <summary>The object exists with these bytes.</summary>
    Put = 1,

    /// <summary>The object is gone; the bytes are its last state, for watchers that resume.</summary>
    Delete = 2,

    /// <summary>In a snapshot: the revision that the snapshot stands for. Carries no object.</summary>
    Revision = 3,
}
