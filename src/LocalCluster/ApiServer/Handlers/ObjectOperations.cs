using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.ManagedFields;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>
/// Create, update and delete as an API server does them, for requests and for the loops that live in this process alike.
/// Each computes the new state from a version that it read and commits it against that version.
/// </summary>
/// <param name="store">Where objects live.</param>
/// <param name="fields">Who owns which fields.</param>
/// <param name="time">Stamps creation and deletion.</param>
/// <param name="newUid">Makes uids.</param>
/// <param name="names">Makes the random part of generated names.</param>
sealed partial class ObjectOperations(ObjectStore store, FieldManager fields, TimeProvider time, Func<Guid> newUid, NameGenerator names)
{
    // Only other writers of the same object cause a retry, and each of them got its write through.
    const int MaxAttempts = 100;
    const int MaxGeneratedNames = 8;

    public Task<JsonObject> CreateAsync(ResourceType type, string ns, JsonObject item, WriteOptions options) =>
        CreateAsync(type, ns, item, null, options);

    /// <param name="type">The served type.</param>
    /// <param name="ns">The namespace of the request.</param>
    /// <param name="item">The new object.</param>
    /// <param name="owners">Who owns its fields; null leaves them to the writer.</param>
    /// <param name="options">How to write.</param>
    async Task<JsonObject> CreateAsync(ResourceType type, string ns, JsonObject item, List<ManagedEntry>? owners, WriteOptions options)
    {
        var sent = item.Obj("metadata").Arr("managedFields");
        ObjectRules.Normalize(item, type, options);
        var metadata = item.Obj("metadata")!;
        CheckNamespace(metadata, type, ns);
        if (!string.IsNullOrEmpty(metadata.Str("resourceVersion")))
            throw ApiErrors.BadRequest("resourceVersion should not be set on objects to be created");
        foreach (var name in (ReadOnlySpan<string>)["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"])
            metadata.Remove(name);
        metadata["uid"] = newUid().ToString("D");
        metadata["creationTimestamp"] = Timestamps.Format(time.GetUtcNow());
        if (type.TracksGeneration)
            metadata["generation"] = 1;
        if (type is { HasStatus: true, IsCustom: true })
            item.Remove("status");
        TrackNew(type, item, sent, owners, options);

        var generated = metadata.Str("name") is null or "" ? metadata.Str("generateName") : null;
        for (var attempt = 1; ; attempt++)
        {
            if (generated is { Length: > 0 })
                metadata["name"] = names.Next(generated);
            if (attempt == 1)
            {
                type.Strategy.PrepareForCreate(item);
                ObjectRules.Validate(item, null, type);
                options.Warnings.AddRange(type.Strategy.Warnings(item));
            }

            var stored = await InsertAsync(type, item, options);
            if (stored is not null)
                return stored;
            if (generated is null || attempt == MaxGeneratedNames)
                throw ApiErrors.AlreadyExists(type, metadata.Str("name")!);
        }
    }

    void TrackNew(ResourceType type, JsonObject item, JsonArray? sent, List<ManagedEntry>? owners, WriteOptions options)
    {
        // A status that comes with the object is nobody's: it is written through /status.
        JsonNode? status = null;
        if (type.HasStatus)
            item.Remove("status", out status);
        owners ??= fields.Update(type, null, item, ManagedEntries.Start(sent, null), options.Manager, "");
        if (status is not null)
            item["status"] = status;
        ManagedEntries.Write(item.Obj("metadata")!, owners);
    }

    async Task<JsonObject?> InsertAsync(ResourceType type, JsonObject item, WriteOptions options)
    {
        var metadata = item.Obj("metadata")!;
        var key = new ObjectKey(metadata.Str("namespace") ?? "", metadata.Str("name")!);
        void Guard(StoreState state) => NamespaceRules.CheckCreate(state, type, key);
        if (options.DryRun)
        {
            Guard(store.State);
            return store.State.Find(type.Store, key) is null ? item : null;
        }

        var copy = (JsonObject)item.DeepClone();
        type.Strategy.ToStored(copy, type);
        var stored = await store.CommitAsync(new Commit(type.Store, key, 0, copy, Guard: Guard));
        return stored is null ? null : Serve(stored, type);
    }

    static void CheckNamespace(JsonObject metadata, ResourceType type, string ns)
    {
        var given = metadata.Str("namespace") ?? "";
        if (!type.Namespaced)
        {
            if (given.Length > 0)
                metadata.Remove("namespace");
            return;
        }

        if (ns.Length == 0)
            throw ApiErrors.BadRequest("an empty namespace may not be set during creation");
        if (given.Length > 0 && given != ns)
            throw ApiErrors.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        metadata["namespace"] = ns;
    }

    /// <summary>The tree of a stored object in the form of a served type.</summary>
    public static JsonObject Serve(StoredObject item, ResourceType type)
    {
        var tree = item.Parse();
        type.Strategy.ToServed(tree, type);
        return tree;
    }
}
