// The port to the API server. Everything else in this library, and every caller, goes through these verbs; a simulated world implements them too.
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Client;

/// <summary>
/// The verbs, by <see cref="ResourceRef"/>. <c>T</c> is any type that JSON can fill: a record of this library, your own slim one, or
/// <see cref="JsonObject"/>. Typed and dynamic short forms are in <see cref="KubernetesClientExtensions"/>.
/// All throw <see cref="KubernetesException"/>. A null namespace means the default one for single objects and all namespaces for lists and watches.
/// </summary>
public interface IKubernetesClient
{
    /// <summary>Namespace of namespaced objects that name none.</summary>
    string DefaultNamespace { get; }

    /// <summary>Whether <see cref="WatchOptions.SendInitialEvents"/> is sent on at all; the server may still refuse.</summary>
    bool CanStreamLists => false;

    /// <summary>How objects become JSON here.</summary>
    JsonSerializerOptions Json { get; }

    /// <summary>Null when there is none (404).</summary>
    Task<T?> FindAsync<T>(ResourceRef resource, string name, string? ns, CancellationToken ct)
        where T : class;

    /// <summary>One page, or all when no limit is set.</summary>
    Task<KubernetesList<T>> ListAsync<T>(ResourceRef resource, string? ns, ListOptions? options, CancellationToken ct)
        where T : class;

    /// <summary>Changes as they come, until the server ends the watch. An error event of the server is thrown; nothing is retried here.</summary>
    IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceRef resource, string? ns, WatchOptions options, CancellationToken ct)
        where T : class;

    /// <summary>apiVersion and kind are filled in. The answer is the stored object.</summary>
    Task<T> CreateAsync<T>(ResourceRef resource, T value, WriteOptions? options, CancellationToken ct)
        where T : class;

    /// <summary>The whole object, or its subresource; 409 when metadata.resourceVersion is set and no longer current.</summary>
    Task<T> ReplaceAsync<T>(ResourceRef resource, T value, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class;

    Task<T> PatchAsync<T>(
        ResourceRef resource, string name, string? ns, Patch patch, string? subresource, WriteOptions? options, CancellationToken ct)
        where T : class;

    /// <summary>False when there was none.</summary>
    Task<bool> DeleteAsync(ResourceRef resource, string name, string? ns, DeleteOptions? options, CancellationToken ct);

    /// <summary>
    /// Deletes what a list with these selectors would show, as one request: not all or nothing, and nothing tells how many. Limit and
    /// Continue are not for deletions.
    /// </summary>
    Task DeleteCollectionAsync(ResourceRef resource, string? ns, ListOptions? selection, DeleteOptions? options, CancellationToken ct);

    /// <summary>GET of a subresource, for example {plural}/{name}/scale.</summary>
    /// <exception cref="KubernetesException">NotFound: no such object, or the kind has no such subresource.</exception>
    Task<T> GetSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, CancellationToken ct)
        where T : class;

    /// <summary>POST to a subresource, for example serviceaccounts/{name}/token.</summary>
    Task<T> CreateSubresourceAsync<T>(ResourceRef resource, string name, string? ns, string subresource, T body, CancellationToken ct)
        where T : class;

    /// <summary>A container's log as bytes. Dispose the stream to stop following.</summary>
    Task<Stream> LogsAsync(string pod, string? ns, LogOptions? options, CancellationToken ct);

    /// <summary>The resource of a kind, by discovery; known ones are remembered.</summary>
    /// <exception cref="KubernetesException">NotFound: the server has no such kind.</exception>
    Task<ResourceRef> ResolveAsync(string apiVersion, string kind, CancellationToken ct);

    /// <summary>GET of any path, for example <c>version</c> or <c>apis</c>.</summary>
    Task<JsonObject> GetRawAsync(string path, CancellationToken ct);
}
