using Framelease.ObjectStorage;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>The object store: what has been put is there, as a digest.</summary>
sealed class MemoryObjects : IObjectStore
{
    readonly Dictionary<string, ObjectInfo> _objects = new(StringComparer.Ordinal);

    public void Put(string key, long bytes, string sha256) =>
        _objects[key] = new ObjectInfo(key, bytes, sha256, sha256, DateTimeOffset.UnixEpoch, "video/mp4");

    public Uri UriOf(string key) => new($"file:///objects/{key}");

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancellation) => Task.FromResult(_objects.GetValueOrDefault(key));

    public Uri PresignGet(string key, TimeSpan expiry) => UriOf(key);

    public Uri PresignPut(string key, PresignPutOptions options) => UriOf(key);

    public Task<ObjectInfo> PutAsync(string key, Stream content, PutOptions options, CancellationToken cancellation) =>
        throw NotSimulated();

    public Task<ObjectContent> GetAsync(string key, ByteRange? range, CancellationToken cancellation) => throw NotSimulated();

    public Task<ObjectPage> ListAsync(ListRequest request, CancellationToken cancellation) => throw NotSimulated();

    public Task<ObjectInfo> CopyAsync(string source, string destination, bool ifNoneMatch, CancellationToken cancellation) =>
        throw NotSimulated();

    public Task DeleteAsync(string key, CancellationToken cancellation) => throw NotSimulated();

    static NotSupportedException NotSimulated() => new("no part of a world asks for it");
}
