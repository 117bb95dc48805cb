// Adds and removes finalizers so that two writers can not undo each other.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Controllers;

public static class Finalizers
{
    public static bool HasFinalizer(this IKubernetesObject value, string finalizer) => value.Metadata.Finalizers?.Contains(finalizer) ?? false;

    public static bool IsBeingDeleted(this IKubernetesObject value) => value.Metadata.DeletionTimestamp is not null;

    /// <summary>The object with the finalizer; nothing is sent when it has it.</summary>
    /// <exception cref="KubernetesException">Conflict: the object changed since <paramref name="value"/> was read.</exception>
    public static Task<T> AddFinalizerAsync<T>(this IKubernetesClient client, T value, string finalizer, CancellationToken ct)
        where T : class, IKubernetesObject =>
        value.HasFinalizer(finalizer)
            ? Task.FromResult(value)
            : WriteAsync(client, value, [.. value.Metadata.Finalizers ?? [], finalizer], ct);

    /// <summary>
    /// The object without the finalizer; nothing is sent when it has none. Null: the object is gone, before or by this. The last finalizer of an
    /// object that is being deleted lets it go.
    /// </summary>
    /// <exception cref="KubernetesException">Conflict: the object changed since <paramref name="value"/> was read.</exception>
    public static async Task<T?> RemoveFinalizerAsync<T>(this IKubernetesClient client, T value, string finalizer, CancellationToken ct)
        where T : class, IKubernetesObject
    {
        if (!value.HasFinalizer(finalizer))
            return value;
        try
        {
            return await WriteAsync(client, value, [.. value.Metadata.Finalizers!.Where(f => f != finalizer)], ct);
        }
        catch (KubernetesException error) when (error.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>A merge patch replaces the whole list; uid and version make sure that it is this object's list.</summary>
    static Task<T> WriteAsync<T>(IKubernetesClient client, T value, string[] finalizers, CancellationToken ct)
        where T : class, IKubernetesObject
    {
        var list = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]);
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["uid"] = value.Metadata.Uid,
                ["resourceVersion"] = value.Metadata.ResourceVersion,
                ["finalizers"] = list,
            },
        };
        return client.PatchAsync<T>(value.Metadata.Name!, value.Metadata.Namespace, Patch.Merge(patch), ct: ct);
    }
}
