namespace Framelease.ObjectStorage.Directories;

/// <summary>Read-only view of a part of a file; owns the file.</summary>
sealed class RangeStream : Stream
{
    readonly FileStream _file;
    readonly long _offset;
    long _position;

    public RangeStream(FileStream file, long offset, long length)
    {
        _file = file;
        _offset = offset;
        Length = length;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var read = RandomAccess.Read(_file.SafeFileHandle, buffer[..Fitting(buffer.Length)], _offset + _position);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await RandomAccess.ReadAsync(_file.SafeFileHandle, buffer[..Fitting(buffer.Length)], _offset + _position, cancellationToken);
        _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => _file.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _file.Dispose();
    }

    int Fitting(int wanted) => (int)Math.Min(wanted, Length - _position);
}
