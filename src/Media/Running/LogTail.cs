using System.Text;

namespace Framelease.Media.Running;

/// <summary>Keeps the last 4 KB of a program's log, whole lines where it can.</summary>
sealed class LogTail
{
    public const int MaxBytes = 4096;
    readonly byte[] _ring = new byte[MaxBytes];
    long _written;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
        {
            _written += bytes.Length - MaxBytes;
            bytes = bytes[^MaxBytes..];
        }

        foreach (var b in bytes)
            _ring[(int)(_written++ % MaxBytes)] = b;
    }

    public async Task ReadAllAsync(Stream stream)
    {
        var buffer = new byte[2048];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            lock (_ring)
                Add(buffer.AsSpan(0, read));
        }
    }

    public override string ToString()
    {
        lock (_ring)
        {
            if (_written <= MaxBytes)
                return Clean(_ring.AsSpan(0, (int)_written));
            var start = (int)(_written % MaxBytes);
            byte[] all = [.. _ring[start..], .. _ring[..start]];
            var line = Array.IndexOf(all, (byte)'\n');
            return Clean(all.AsSpan(line is >= 0 and < MaxBytes - 1 ? line + 1 : 0));
        }
    }

    // the text goes to terminals and into events: control characters of a hostile file name must not
    static string Clean(ReadOnlySpan<byte> bytes) =>
        string.Create(Encoding.UTF8.GetCharCount(bytes), bytes.ToArray(), static (chars, source) =>
        {
            Encoding.UTF8.GetChars(source, chars);
            foreach (ref var c in chars)
            {
                if (char.IsControl(c) && c != '\n' && c != '\t')
                    c = c == '\r' ? '\n' : '?';
            }
        });
}
