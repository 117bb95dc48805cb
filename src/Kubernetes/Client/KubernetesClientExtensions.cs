// Short forms of the verbs: typed by [KubernetesEntity], and dynamic on JsonObject.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

public static class KubernetesClientExtensions
{
    /// <exception cref="KubernetesException">NotFound when there is none.</exception>
    public static async Task<T> GetAsync<T>(this IKubernetesClient client, string name, string? ns = null, CancellationToken ct = default)
        where T : class =>
        await client.FindAsync<T>(ResourceRef.Of<T>(), name, ns, ct) ?? throw NotFound(ResourceRef.Of<T>(), name);

    /// <summary>Null when there is none.</summary>
    public static Task<T?> FindAsync<T>(this IKubernetesClient client, string name, string? ns = null, CancellationToken ct = default)
        where T : class =>
        client.FindAsync<T>(ResourceRef.Of<T>(), name, ns, ct);

    /// <summary>Null when there is none.</summary>
    public static Task<T?> FindAsync<T>(this IKubernetesClient client, ObjectKey key, CancellationToken ct = default)
        where T : class =>
        client.FindAsync<T>(ResourceRef.Of<T>(), key.Name, key.Namespace, ct);

    /// <summary>One page, or everything when no limit is set. Null namespace: all.</summary>
    public static Task<KubernetesList<T>> ListAsync<T>(
        this IKubernetesClient client, string? ns = null, ListOptions? options = null, CancellationToken ct = default)
        where T : class =>
        client.ListAsync<T>(ResourceRef.Of<T>(), ns, options, ct);

    /// <summary>
    /// Every item, page after page, as of one moment. Paging that a compaction overtook (410) begins again, once; then it is one list.
    /// </summary>
    public static Task<KubernetesList<T>> ListAllAsync<T>(
        this IKubernetesClient client, string? ns = null, ListOptions? options = null, int pageSize = 500, CancellationToken ct = default)
        where T : class =>
        Paging.ListAllAsync<T>(client, ResourceRef.Of<T>(), ns, options ?? new(), pageSize, ct);

    public static IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(
        this IKubernetesClient client, string? ns = null, WatchOptions? options = null, CancellationToken ct = default)
        where T : class =>
        client.WatchAsync<T>(ResourceRef.Of<T>(), ns, options ?? new(), ct);

    public static Task<T> CreateAsync<T>(this IKubernetesClient client, T value, CancellationToken ct = default)
        where T : class, IKubernetesObject =>
        client.CreateAsync(ResourceRef.Of<T>(), value, null, ct);

    /// <summary>Replaces the object as a whole; fields that <typeparamref name="T"/> does not know are lost, so patch the objects of others.</summary>
    public static Task<T> ReplaceAsync<T>(this IKubernetesClient client, T value, CancellationToken ct = default)
        where T : class, IKubernetesObject =>
        client.ReplaceAsync(ResourceRef.Of<T>(), value, null, null, ct);

    public static Task<T> ReplaceStatusAsync<T>(this IKubernetesClient client, T value, CancellationToken ct = default)
        where T : class, IKubernetesObject =>
        client.ReplaceAsync(ResourceRef.Of<T>(), value, "status", null, ct);

    public static Task<T> PatchAsync<T>(
        this IKubernetesClient client, string name, string? ns, Patch patch, string? subresource = null, CancellationToken ct = default)
        where T : class =>
        client.PatchAsync<T>(ResourceRef.Of<T>(), name, ns, patch, subresource, null, ct);

    /// <summary>
    /// Sends what differs between two states of one object's status, and nothing when nothing differs; then <paramref name="after"/> comes back.
    /// Fields that are null now and were not are removed.
    /// </summary>
    /// <param name="ifUnchanged">True: 409 when somebody else wrote the object since <paramref name="before"/> was read.</param>
    public static async Task<T> PatchStatusAsync<T>(
        this IKubernetesClient client, T before, T after, bool ifUnchanged = false, CancellationToken ct = default)
        where T : class, IKubernetesObject
    {
        var old = client.ToNode(before)["status"] as JsonObject;
        var wish = client.ToNode(after)["status"] as JsonObject;
        if (Patch.Between(new JsonObject { ["status"] = old?.DeepClone() ?? new JsonObject() },
                new JsonObject { ["status"] = wish?.DeepClone() ?? new JsonObject() }) is not { } patch)
            return after;
        if (ifUnchanged)
            patch = patch.IfVersion(before.Metadata.ResourceVersion);
        return await client.PatchAsync<T>(before.Metadata.Name!, before.Metadata.Namespace, patch, "status", ct);
    }

    /// <summary>False when there was none.</summary>
    public static Task<bool> DeleteAsync<T>(
        this IKubernetesClient client, string name, string? ns = null, DeleteOptions? options = null, CancellationToken ct = default)
        where T : class =>
        client.DeleteAsync(ResourceRef.Of<T>(), name, ns, options, ct);

    /// <summary>
    /// Deletes what a list with these selectors would show. Null namespace: the default one; nothing deletes everywhere by omission.
    /// </summary>
    public static Task DeleteCollectionAsync<T>(
        this IKubernetesClient client, string? ns = null, ListOptions? selection = null, DeleteOptions? options = null,
        CancellationToken ct = default)
        where T : class =>
        client.DeleteCollectionAsync(ResourceRef.Of<T>(), ns, selection, options, ct);

    /// <summary>How many there are and shall be.</summary>
    public static Task<Scale> GetScaleAsync(
        this IKubernetesClient client, ResourceRef resource, string name, string? ns = null, CancellationToken ct = default) =>
        client.GetSubresourceAsync<Scale>(resource, name, ns, "scale", ct);

    /// <summary>Says how many there shall be, whatever the kind's own field for it is.</summary>
    public static Task<Scale> ScaleAsync(
        this IKubernetesClient client, ResourceRef resource, string name, string? ns, int replicas, CancellationToken ct = default) =>
        client.PatchAsync<Scale>(
            resource, name, ns, Patch.Merge(new JsonObject { ["spec"] = new JsonObject { ["replicas"] = replicas } }), "scale", null, ct);

    /// <summary>The object as the client would send it.</summary>
    public static JsonObject ToNode(this IKubernetesClient client, object value) => Serialization.KubernetesJson.ToNode(value, client.Json);

    // ---- dynamic ----

    /// <exception cref="KubernetesException">NotFound when there is none.</exception>
    public static async Task<JsonObject> GetAsync(
        this IKubernetesClient client, ResourceRef resource, string name, string? ns = null, CancellationToken ct = default) =>
        await client.FindAsync<JsonObject>(resource, name, ns, ct) ?? throw NotFound(resource, name);

    public static Task<JsonObject?> FindAsync(
        this IKubernetesClient client, ResourceRef resource, string name, string? ns = null, CancellationToken ct = default) =>
        client.FindAsync<JsonObject>(resource, name, ns, ct);

    public static Task<KubernetesList<JsonObject>> ListAsync(
        this IKubernetesClient client, ResourceRef resource, string? ns = null, ListOptions? options = null, CancellationToken ct = default) =>
        client.ListAsync<JsonObject>(resource, ns, options, ct);

    /// <summary>As the typed form.</summary>
    public static Task<KubernetesList<JsonObject>> ListAllAsync(
        this IKubernetesClient client, ResourceRef resource, string? ns = null, ListOptions? options = null, int pageSize = 500,
        CancellationToken ct = default) =>
        Paging.ListAllAsync<JsonObject>(client, resource, ns, options ?? new(), pageSize, ct);

    public static Task<JsonObject> CreateAsync(
        this IKubernetesClient client, ResourceRef resource, JsonObject value, CancellationToken ct = default) =>
        client.CreateAsync(resource, value, null, ct);

    public static Task<JsonObject> PatchAsync(
        this IKubernetesClient client, ResourceRef resource, string name, string? ns, Patch patch, string? subresource = null,
        CancellationToken ct = default) =>
        client.PatchAsync<JsonObject>(resource, name, ns, patch, subresource, null, ct);

    static KubernetesException NotFound(ResourceRef resource, string name)
    {
        var message = $"{resource} \"{name}\" not found";
        return new(message, new Status
        {
            Outcome = "Failure", Code = 404, Reason = KubernetesReasons.NotFound, Message = message,
            Details = new() { Name = name, Group = resource.Group, Kind = resource.Plural },
        });
    }
}
