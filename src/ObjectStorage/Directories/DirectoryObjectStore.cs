using System.Security.Cryptography;
using Framelease.ObjectStorage.Presigning;

namespace Framelease.ObjectStorage.Directories;

/// <summary>
/// Object store in a folder. Objects are immutable files that get their name in one step: a hard link (create-only) or a rename (overwrite), after their
/// bytes are on disk. Several processes may use one folder. A file put there by hand is an object, too.
/// </summary>
/// <param name="root">The folder; created when absent.</param>
/// <param name="urls">Signs URLs that the operator serves.</param>
/// <param name="ids">Names of temporary files.</param>
public sealed class DirectoryObjectStore(string root, PresignedUrls urls, TimeProvider time, Func<Guid> ids) : IObjectStore
{
    const int Attempts = 50;

    // a sidecar younger than this may still be on its way: its writer knows the content type, a reader only guesses it
    static readonly TimeSpan SidecarGrace = TimeSpan.FromSeconds(60);
    readonly KeyPaths _paths = new(root);

    public Uri UriOf(string key) => new("file://" + string.Join('/', _paths.ObjectOf(key).Split('/').Select(Uri.EscapeDataString)));

    public Uri PresignGet(string key, TimeSpan expiry) => urls.Get(key, expiry);

    public Uri PresignPut(string key, PresignPutOptions options) => urls.Put(key, options);

    public async Task<ObjectInfo> PutAsync(string key, Stream content, PutOptions options, CancellationToken cancellation)
    {
        var path = _paths.ObjectOf(key);
        try
        {
            // spares the transfer; the link below is what decides
            if (options.IfNoneMatch && File.Exists(path))
                throw Failures.Taken(key);
            using var temporary = TemporaryFile.Create(_paths, ids());
            var digest = await CopyAsync(key, content, temporary.Stream, options.MaxBytes, cancellation);
            if (options.Sha256 is { } expected && !string.Equals(expected, digest, StringComparison.OrdinalIgnoreCase))
            {
                throw new ObjectStoreException(
                    ObjectStoreError.ChecksumMismatch, $"The bytes sent for '{key}' have sha256 {digest}, not {expected}: they were changed on the way. Send them again.");
            }

            return Publish(key, path, temporary, options.IfNoneMatch, digest, options.ContentType ?? ContentTypes.Of(key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failures.From(e, key, _paths.Root);
        }
    }

    public async Task<ObjectContent> GetAsync(string key, ByteRange? range, CancellationToken cancellation)
    {
        var path = _paths.ObjectOf(key);
        try
        {
            var stream = new FileStream(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.Asynchronous });
            try
            {
                var info = await DescribeAsync(key, path, stream, cancellation);
                var (offset, length) = range is { } part ? part.Within(info.Size) : (0, info.Size);
                return new ObjectContent(info, new RangeStream(stream, offset, length), offset, length);
            }
            catch
            {
                await stream.DisposeAsync();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Directory.Exists(path) ? Failures.NotFound(key) : Failures.From(e, key, _paths.Root);
        }
    }

    public async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancellation)
    {
        var path = _paths.ObjectOf(key);
        if (!File.Exists(path))
            return null;
        try
        {
            await using var content = await GetAsync(key, null, cancellation);
            return content.Info;
        }
        catch (ObjectStoreException e) when (e.Error == ObjectStoreError.NotFound)
        {
            return null;
        }
    }

    public Task<ObjectPage> ListAsync(ListRequest request, CancellationToken cancellation)
    {
        try
        {
            return Task.FromResult(DirectoryListing.List(_paths, request, cancellation));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failures.From(e, request.Prefix, _paths.Root);
        }
    }

    public async Task<ObjectInfo> CopyAsync(string source, string destination, bool ifNoneMatch, CancellationToken cancellation)
    {
        // through a stream, not by a link: people may edit a published file, and the committed one must not change with it
        await using var content = await GetAsync(source, null, cancellation);
        return await PutAsync(
            destination, content.Stream, new PutOptions(ifNoneMatch, content.Info.ContentType, content.Info.Sha256), cancellation);
    }

    public Task DeleteAsync(string key, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var path = _paths.ObjectOf(key);
        try
        {
            if (File.Exists(path))
            {
                File.Delete(path);
                DurableFiles.SyncDirectory(Path.GetDirectoryName(path)!);
            }

            Remove(_paths.SidecarOf(key));
            RemoveEmptyFolders(Path.GetDirectoryName(path)!, _paths.Objects);
            RemoveEmptyFolders(Path.GetDirectoryName(_paths.SidecarOf(key))!, _paths.Meta);
        }
        catch (DirectoryNotFoundException)
        {
            // gone is what was wanted
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failures.From(e, key, _paths.Root);
        }

        return Task.CompletedTask;
    }

    /// <summary>Removes temporary files of writers that crashed. Safe beside living writers, of other processes too.</summary>
    /// <returns>How many were removed.</returns>
    public Task<int> SweepTemporaryAsync(TimeSpan olderThan, CancellationToken cancellation) =>
        Task.FromResult(TemporaryFile.Sweep(_paths, olderThan, time, cancellation));

    async Task<string> CopyAsync(string key, Stream from, FileStream to, long? maxBytes, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            long total = 0;
            int read;
            while ((read = await from.ReadAsync(buffer, cancellation)) > 0)
            {
                total += read;
                if (total > maxBytes)
                    throw new ObjectStoreException(ObjectStoreError.TooLarge, $"'{key}' is larger than the allowed {maxBytes} bytes.");
                hash.AppendData(buffer, 0, read);
                await to.WriteAsync(buffer.AsMemory(0, read), cancellation);
            }
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }

        to.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    ObjectInfo Publish(string key, string path, TemporaryFile temporary, bool createOnly, string digest, string contentType)
    {
        var file = new FileInfo(temporary.Path);
        var info = new ObjectInfo(key, file.Length, ETag.Of(file), digest, new DateTimeOffset(file.LastWriteTimeUtc), contentType);
        var folder = Path.GetDirectoryName(path)!;
        for (var attempt = 1; ; attempt++)
        {
            var error = DurableFiles.CreateDirectory(folder);
            if (error == 0)
                error = createOnly ? DurableFiles.Link(temporary.Path, path) : DurableFiles.Rename(temporary.Path, path);
            if (error == 0)
                break;
            // a delete took the emptied folder away in between
            if (error == DurableFiles.NoEntry && attempt < Attempts)
                continue;
            throw error == DurableFiles.Exists && File.Exists(path) ? Failures.Taken(key) : DurableFiles.Error(error, path);
        }

        DurableFiles.SyncDirectory(folder);
        WriteSidecar(key, new Sidecar(info.Size, info.LastModified.UtcTicks, digest, contentType));
        return info;
    }

    async Task<ObjectInfo> DescribeAsync(string key, string path, FileStream stream, CancellationToken cancellation)
    {
        // by the open file, not by the name: the name may be another version's by now
        var (size, modified) = (stream.Length, new DateTimeOffset(File.GetLastWriteTimeUtc(stream.SafeFileHandle)));
        var etag = ETag.Of(size, modified.UtcTicks);
        if (Sidecar.Read(_paths.SidecarOf(key)) is { } known && known.Size == size && known.ModifiedTicks == modified.UtcTicks)
            return new ObjectInfo(key, size, etag, known.Sha256, modified, known.ContentType);
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation));
        stream.Position = 0;
        if (time.GetUtcNow() - modified > SidecarGrace && File.Exists(path))
            WriteSidecar(key, new Sidecar(size, modified.UtcTicks, digest, ContentTypes.Of(key)));
        return new ObjectInfo(key, size, etag, digest, modified, ContentTypes.Of(key));
    }

    // not synced, and a failure is passed over: what is lost here is computed again
    void WriteSidecar(string key, Sidecar sidecar)
    {
        var path = _paths.SidecarOf(key);
        var temporary = Path.Combine(_paths.Temporary, ids().ToString("N") + ".part");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(_paths.Temporary);
            File.WriteAllBytes(temporary, sidecar.ToBytes());
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
        }
    }

    static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // nothing to remove
        }
    }

    static void RemoveEmptyFolders(string folder, string upTo)
    {
        try
        {
            for (; folder.Length > upTo.Length; folder = Path.GetDirectoryName(folder)!)
                Directory.Delete(folder, recursive: false);
        }
        catch (IOException)
        {
            // not empty, or gone
        }
    }
}
