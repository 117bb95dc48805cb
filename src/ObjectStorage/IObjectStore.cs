namespace Framelease.ObjectStorage;

/// <summary>
/// A bucket: S3, R2 or a folder. Every method may throw <see cref="ObjectStoreException"/>; the errors named are those that it means to
/// be caught. Keys obey <see cref="ObjectKey"/>. An object is visible whole or not at all, and after a put has returned it survives a crash.
/// </summary>
public interface IObjectStore
{
    /// <summary>The object's address as shown to people: <c>file:///…</c> or <c>s3://bucket/key</c>. Does not ask whether it exists.</summary>
    Uri UriOf(string key);

    /// <summary>Writes an object; with <see cref="PutOptions.IfNoneMatch"/> exactly one of several writers wins.</summary>
    /// <exception cref="ObjectStoreException">PreconditionFailed, NoSpace, TooLarge, ChecksumMismatch.</exception>
    Task<ObjectInfo> PutAsync(string key, Stream content, PutOptions options, CancellationToken cancellation);

    /// <summary>Opens an object; the bytes read are those of one version, also when it is overwritten meanwhile. Dispose the result.</summary>
    /// <param name="range">Null = all.</param>
    /// <exception cref="ObjectStoreException">NotFound, RangeNotSatisfiable.</exception>
    Task<ObjectContent> GetAsync(string key, ByteRange? range, CancellationToken cancellation);

    /// <returns>Null when there is no such object.</returns>
    Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancellation);

    /// <summary>One page of keys in UTF-8 byte order.</summary>
    Task<ObjectPage> ListAsync(ListRequest request, CancellationToken cancellation);

    /// <summary>Copies bytes and content type within the store.</summary>
    /// <param name="ifNoneMatch">True = refuse when the destination exists.</param>
    /// <exception cref="ObjectStoreException">NotFound, PreconditionFailed, NoSpace.</exception>
    Task<ObjectInfo> CopyAsync(string source, string destination, bool ifNoneMatch, CancellationToken cancellation);

    /// <summary>Deletes an object; no error when there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>A URL that reads one object without further credentials.</summary>
    /// <param name="expiry">1 s to 7 days.</param>
    Uri PresignGet(string key, TimeSpan expiry);

    /// <summary>A URL that writes one object without further credentials, within the limits given.</summary>
    Uri PresignPut(string key, PresignPutOptions options);
}

/// <param name="IfNoneMatch">True = create only: <c>If-None-Match: *</c>.</param>
/// <param name="ContentType">Null = by the key's extension.</param>
/// <param name="Sha256">Lower-case hex digest that the bytes must have; null = not checked.</param>
/// <param name="MaxBytes">Refuse (TooLarge) beyond this; null = no bound.</param>
public sealed record PutOptions(bool IfNoneMatch = false, string? ContentType = null, string? Sha256 = null, long? MaxBytes = null);

/// <param name="ETag">Opaque, with quotes; changes with every write.</param>
/// <param name="Sha256">Lower-case hex digest of the bytes, computed by the store.</param>
public sealed record ObjectInfo(string Key, long Size, string ETag, string Sha256, DateTimeOffset LastModified, string ContentType);

/// <summary>What a listing tells of an object; digest and type cost a head.</summary>
public sealed record ObjectSummary(string Key, long Size, string ETag, DateTimeOffset LastModified);

/// <param name="Prefix">Only keys that begin with it; need not end at a slash.</param>
/// <param name="Delimiter"><c>/</c> folds what lies deeper into <see cref="ObjectPage.Prefixes"/>; null = all keys.</param>
/// <param name="Continuation"><see cref="ObjectPage.Next"/> of the page before.</param>
/// <param name="MaxKeys">1–1000 objects and prefixes together.</param>
public sealed record ListRequest(string Prefix = "", string? Delimiter = null, string? Continuation = null, int MaxKeys = 1000);

/// <param name="Next">Null on the last page.</param>
public sealed record ObjectPage(IReadOnlyList<ObjectSummary> Objects, IReadOnlyList<string> Prefixes, string? Next);

/// <param name="Expiry">1 s to 7 days.</param>
/// <param name="MaxBytes">Largest body accepted.</param>
/// <param name="ContentType">The <c>Content-Type</c> that the request must carry.</param>
/// <param name="IfNoneMatch">True = the request must carry <c>If-None-Match: *</c>, and is refused when the key is taken.</param>
public sealed record PresignPutOptions(TimeSpan Expiry, long MaxBytes, string ContentType, bool IfNoneMatch);

/// <summary>An open object. <see cref="Stream"/> holds just the range that was asked for.</summary>
/// <param name="Offset">First byte of the range.</param>
/// <param name="Length">Bytes in the range.</param>
public sealed record ObjectContent(ObjectInfo Info, Stream Stream, long Offset, long Length) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
