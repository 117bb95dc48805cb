using System.Buffers;
using System.Text;
using Framelease.LocalCluster.ApiServer.Errors;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>The query of a log request.</summary>
sealed record PodLogQuery(string Container, bool Follow, bool Previous, bool Timestamps, long? TailLines, long? LimitBytes, long? SinceSeconds)
{
    public static PodLogQuery From(HttpRequest request)
    {
        var query = request.Query;
        long? Number(string name, long min) => query[name].ToString() switch
        {
            "" => null,
            var text when long.TryParse(text, out var number) && number >= min => number,
            var text => throw ApiErrors.BadRequest($"{name}: Invalid value: \"{text}\": must be a number of at least {min}"),
        };
        return new(query["container"].ToString(), query["follow"] == "true", query["previous"] == "true", query["timestamps"] == "true",
            Number("tailLines", 0), Number("limitBytes", 1), Number("sinceSeconds", 1));
    }
}

/// <summary>Copies lines of a growing log file. The files hold bare lines: times are those of the file's last change.</summary>
sealed class PodLogLines(FileStream file, PodLogQuery query, DateTimeOffset now)
{
    const int Chunk = 64 * 1024;

    readonly byte[] _buffer = new byte[Chunk];
    long _sent;
    bool _atLineStart = true;

    /// <summary>The byte limit of the request is reached.</summary>
    public bool IsFull => query.LimitBytes is { } limit && _sent >= limit;

    /// <summary>Moves to the first line that the request wants.</summary>
    public void SeekToTail()
    {
        // Without a time on each line, a file that was last written before the window has nothing in it.
        if (query.SinceSeconds is { } since && File.GetLastWriteTimeUtc(file.Name) < now.UtcDateTime.AddSeconds(-since))
            file.Seek(0, SeekOrigin.End);
        else if (query.TailLines is { } lines)
            file.Seek(TailStart(lines), SeekOrigin.Begin);
    }

    /// <summary>Copies a chunk; false when the end of the file is reached for now.</summary>
    public bool Copy(IBufferWriter<byte> output)
    {
        var read = file.Read(_buffer);
        if (read == 0)
            return false;
        var data = _buffer.AsSpan(0, read);
        if (query.LimitBytes is { } limit && _sent + read > limit)
            data = data[..(int)(limit - _sent)];
        _sent += data.Length;
        if (query.Timestamps)
            CopyStamped(output, data);
        else
            output.Write(data);
        return true;
    }

    void CopyStamped(IBufferWriter<byte> output, ReadOnlySpan<byte> data)
    {
        var stamp = Encoding.ASCII.GetBytes(File.GetLastWriteTimeUtc(file.Name).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z' "));
        while (!data.IsEmpty)
        {
            if (_atLineStart)
                output.Write(stamp);
            var end = data.IndexOf((byte)'\n');
            var line = end < 0 ? data : data[..(end + 1)];
            output.Write(line);
            _atLineStart = end >= 0;
            data = data[line.Length..];
        }
    }

    long TailStart(long lines)
    {
        var end = file.Length;
        var position = end;
        while (position > 0)
        {
            var size = (int)Math.Min(Chunk, position);
            position -= size;
            file.Seek(position, SeekOrigin.Begin);
            file.ReadExactly(_buffer.AsSpan(0, size));
            for (var i = size - 1; i >= 0; i--)
            {
                // The newline that ends the last line starts no further one.
                if (_buffer[i] == (byte)'\n' && position + i + 1 < end && --lines <= 0)
                    return lines < 0 ? end : position + i + 1;
            }
        }

        return lines <= 0 ? end : 0;
    }
}
