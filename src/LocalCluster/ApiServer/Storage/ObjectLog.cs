using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>The file that changes are appended to. A batch is durable when <see cref="Append"/> returns.</summary>
sealed class ObjectLog : IDisposable
{
    // Larger than a batch of a burst; buffers that grew beyond are given back.
    const int KeepBuffer = 1 << 20;

    readonly SafeFileHandle _file;
    ArrayBufferWriter<byte> _buffer = new(4096);

    public ObjectLog(string path, long length)
    {
        Path = path;
        Length = length;
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        if (RandomAccess.GetLength(_file) != length)
            RandomAccess.SetLength(_file, length);
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DirectorySync.Flush(System.IO.Path.GetDirectoryName(path)!);
    }

    public string Path { get; }

    public long Length { get; private set; }

    /// <summary>Writes and flushes one frame. When the write itself fails (disk full), the file is cut back and can go on.</summary>
    /// <exception cref="IOException">Nothing was appended.</exception>
    /// <exception cref="StoreFailedException">The flush failed: what is on disk is unknown, the process must end.</exception>
    public void Append(IReadOnlyList<LogRecord> records)
    {
        _buffer.ResetWrittenCount();
        var frame = Encode(records, _buffer);
        try
        {
            RandomAccess.Write(_file, frame, Length);
        }
        catch (IOException)
        {
            RandomAccess.SetLength(_file, Length);
            throw;
        }

        try
        {
            RandomAccess.FlushToDisk(_file);
        }
        catch (IOException error)
        {
            throw new StoreFailedException($"flushing the object log {Path} failed; its state on disk is unknown", error);
        }

        Length += frame.Length;
        if (_buffer.Capacity > KeepBuffer)
            _buffer = new(4096);
    }

    public static ReadOnlySpan<byte> Encode(IReadOnlyList<LogRecord> records, ArrayBufferWriter<byte> buffer)
    {
        LogFrame.Reserve(buffer);
        foreach (var record in records)
            record.Write(buffer);
        // The buffer's own memory: sealed in place instead of copied.
        var frame = System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer.WrittenMemory).Span;
        LogFrame.Seal(frame);
        return frame;
    }

    public void Dispose() => _file.Dispose();
}

/// <summary>The store cannot say what is durable any more. The process ends and the next one reads what is there.</summary>
sealed class StoreFailedException(string message, Exception inner) : Exception(message, inner);
