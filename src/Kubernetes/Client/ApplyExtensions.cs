// "Make it so": create, or merge-patch what is there. For people's manifests, where kubectl apply is not at hand.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

/// <summary>What <see cref="ApplyExtensions.ApplyAsync"/> did.</summary>
public enum ApplyOutcome
{
    Created,
    Configured,
    Unchanged,
}

/// <param name="Object">As stored now.</param>
public sealed record ApplyResult(ApplyOutcome Outcome, ResourceRef Resource, JsonObject Object);

public static class ApplyExtensions
{
    /// <summary>
    /// Creates the object, or merge-patches the one there; its status is left alone. Fields that an earlier manifest had and this one has not
    /// stay as they are (kubectl apply remembers the last manifest; this does not).
    /// </summary>
    /// <exception cref="ArgumentException">apiVersion, kind or metadata.name is missing.</exception>
    public static async Task<ApplyResult> ApplyAsync(this IKubernetesClient client, JsonObject manifest, CancellationToken ct = default)
    {
        var resource = await client.ResolveAsync(Text(manifest, "apiVersion"), Text(manifest, "kind"), ct);
        var name = ObjectInfo.Name(manifest) ?? throw new ArgumentException($"{resource}: metadata.name is missing", nameof(manifest));
        var ns = ObjectInfo.Namespace(manifest);
        var wish = (JsonObject)manifest.DeepClone();
        wish.Remove("status");
        var strict = new WriteOptions { FieldValidation = "Strict" };

        var before = await client.FindAsync(resource, name, ns, ct);
        if (before is null)
        {
            try
            {
                return new(ApplyOutcome.Created, resource, await client.CreateAsync(resource, wish, strict, ct));
            }
            catch (KubernetesException error) when (error.IsAlreadyExists)
            {
                // somebody was faster; then it is a patch
            }
        }

        var after = await client.PatchAsync<JsonObject>(resource, name, ns, Patch.Merge(wish), null, strict, ct);
        var same = before is not null && ObjectInfo.ResourceVersion(before) == ObjectInfo.ResourceVersion(after);
        return new(same ? ApplyOutcome.Unchanged : ApplyOutcome.Configured, resource, after);
    }

    /// <summary>
    /// Server-side apply: the manifest is the whole wish of <paramref name="fieldManager"/>. What it owned and no longer names goes; what
    /// others own stays, and naming such a field with another value is a 409 whose causes name field and owner, unless
    /// <paramref name="force"/> takes it over.
    /// </summary>
    /// <exception cref="ArgumentException">apiVersion, kind or metadata.name is missing, or managedFields is there.</exception>
    public static async Task<JsonObject> ServerSideApplyAsync(
        this IKubernetesClient client, JsonObject manifest, string fieldManager, bool force = false, string? subresource = null,
        CancellationToken ct = default)
    {
        var resource = await client.ResolveAsync(Text(manifest, "apiVersion"), Text(manifest, "kind"), ct);
        return await client.ServerSideApplyAsync(resource, manifest, fieldManager, force, subresource, ct);
    }

    /// <summary>As the dynamic form. Null and empty fields are not part of the wish.</summary>
    public static Task<T> ServerSideApplyAsync<T>(
        this IKubernetesClient client, T wish, string fieldManager, bool force = false, string? subresource = null,
        CancellationToken ct = default)
        where T : class, IKubernetesObject =>
        client.ServerSideApplyAsync(ResourceRef.Of<T>(), wish, fieldManager, force, subresource, ct);

    static Task<T> ServerSideApplyAsync<T>(
        this IKubernetesClient client, ResourceRef resource, T wish, string fieldManager, bool force, string? subresource,
        CancellationToken ct)
        where T : class
    {
        var name = ObjectInfo.Name(wish) ?? throw new ArgumentException($"{resource}: metadata.name is missing", nameof(wish));
        var body = client.ToNode(ObjectInfo.WithKind(wish, resource));
        if (body["metadata"]?["managedFields"] is not null)
            throw new ArgumentException($"{resource} {name}: metadata.managedFields must be left out of a wish", nameof(wish));
        var options = new WriteOptions { FieldManager = fieldManager, Force = force };
        return client.PatchAsync<T>(resource, name, ObjectInfo.Namespace(wish), Patch.Apply(body), subresource, options, ct);
    }

    static string Text(JsonObject manifest, string field) =>
        manifest[field] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0
            ? text
            : throw new ArgumentException($"{field} is missing in the manifest", nameof(manifest));
}
