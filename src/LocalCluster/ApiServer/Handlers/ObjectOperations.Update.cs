using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.ManagedFields;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

sealed partial class ObjectOperations
{
    static readonly string[] ServerOwned = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"];

    /// <summary>Replaces or patches an object.</summary>
    /// <param name="type">The served type.</param>
    /// <param name="key">Names the object.</param>
    /// <param name="change">Makes the new object from the current one (a tree of its own); may run several times.</param>
    /// <param name="isStatus">Writes only the status.</param>
    /// <param name="options">How to write.</param>
    public Task<JsonObject> UpdateAsync(
        ResourceType type, ObjectKey key, Func<JsonObject, JsonObject> change, bool isStatus, WriteOptions options) =>
        WriteAsync(type, key, old => new Change(change(old), null), isStatus, options);

    /// <param name="Item">The new object.</param>
    /// <param name="Owners">Who owns its fields; null leaves what changed to the writer.</param>
    sealed record Change(JsonObject Item, List<ManagedEntry>? Owners);

    async Task<JsonObject> WriteAsync(ResourceType type, ObjectKey key, Func<JsonObject, Change> change, bool isStatus,
        WriteOptions options)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var current = store.State.Find(type.Store, key) ?? throw ApiErrors.NotFound(type, key.Name);
            var old = Serve(current, type);
            options.Warnings.Clear();
            var (item, owners) = change((JsonObject)old.DeepClone());
            PrepareUpdate(type, key, item, old, owners, isStatus, options);
            if (IsUnchanged(item, old))
                return old;
            var removes = IsReadyToGo(item, type);
            if (options.DryRun)
                return item;
            var body = (JsonObject)item.DeepClone();
            type.Strategy.ToStored(body, type);
            var stored = await store.CommitAsync(new Commit(type.Store, key, current.Revision, body, removes));
            // A caller who named the version that the change was made from is refused by the next look at the current one.
            if (stored is not null)
                return Serve(stored, type);
        }

        throw ApiErrors.Modified(type, key.Name);
    }

    /// <summary>Brings the new object into its final form, or refuses it.</summary>
    void PrepareUpdate(
        ResourceType type, ObjectKey key, JsonObject item, JsonObject old, List<ManagedEntry>? owners, bool isStatus, WriteOptions options)
    {
        var sent = item.Obj("metadata").Arr("managedFields");
        ObjectRules.Normalize(item, type, options);
        var metadata = item.Obj("metadata")!;
        var oldMetadata = old.Obj("metadata")!;
        CheckIdentity(type, key, metadata, oldMetadata);
        var revision = metadata.Str("resourceVersion") ?? "";
        if (revision is "" or "0")
        {
            if (!type.Strategy.AllowsUnconditionalUpdate)
            {
                throw ApiErrors.Invalid(type, key.Name,
                    [FieldError.Invalid("metadata.resourceVersion", JsonValue.Create(0), "must be specified for an update")]);
            }
        }
        else if (revision != oldMetadata.Str("resourceVersion"))
        {
            throw ApiErrors.Modified(type, key.Name);
        }

        KeepServerOwned(type, item, old, isStatus);
        metadata = item.Obj("metadata")!;
        metadata["resourceVersion"] = oldMetadata.Str("resourceVersion");
        // Whoever writes the status cannot edit what others own.
        owners ??= fields.Update(type, old, item, ManagedEntries.Start(isStatus ? null : sent, old), options.Manager,
            isStatus ? "status" : options.Subresource);
        ManagedEntries.Write(metadata, owners);
        if (!isStatus)
            type.Strategy.PrepareForUpdate(item, old);
        if (type.TracksGeneration && WantsChanged(item, old, type))
            metadata["generation"] = (oldMetadata.Int("generation") ?? 0) + 1;
        ObjectRules.Validate(item, old, type);
        options.Warnings.AddRange(type.Strategy.Warnings(item));
    }

    /// <summary>Times of field owners alone are no change.</summary>
    static bool IsUnchanged(JsonObject item, JsonObject old)
    {
        var (metadata, oldMetadata) = (item.Obj("metadata")!, old.Obj("metadata")!);
        if (!ManagedEntries.SameButTimes(ManagedEntries.Read(metadata), ManagedEntries.Read(oldMetadata)))
            return false;
        metadata.Remove("managedFields", out var owners);
        if (oldMetadata["managedFields"] is { } before)
            metadata["managedFields"] = before.DeepClone();
        if (JsonAccess.Same(item, old))
            return true;
        if (owners is not null)
            metadata["managedFields"] = owners;
        return false;
    }

    static void CheckIdentity(ResourceType type, ObjectKey key, JsonObject metadata, JsonObject oldMetadata)
    {
        var name = metadata.Str("name") ?? "";
        if (name.Length > 0 && name != key.Name)
        {
            throw ApiErrors.BadRequest(
                $"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        }

        metadata["name"] = key.Name;
        var ns = metadata.Str("namespace") ?? "";
        if (type.Namespaced && ns.Length > 0 && ns != key.Namespace)
            throw ApiErrors.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (type.Namespaced)
            metadata["namespace"] = key.Namespace;
        else
            metadata.Remove("namespace");
        var uid = metadata.Str("uid") ?? "";
        if (uid.Length > 0 && uid != oldMetadata.Str("uid"))
        {
            throw ApiErrors.Conflict(type, key.Name,
                $"Precondition failed: UID in precondition: {uid}, UID in object meta: {oldMetadata.Str("uid")}");
        }
    }

    static void KeepServerOwned(ResourceType type, JsonObject item, JsonObject old, bool isStatus)
    {
        if (isStatus)
        {
            // Only the status may differ: everything else comes from the old object, members in their old order.
            var status = item["status"]?.DeepClone();
            foreach (var name in item.Select(member => member.Key).ToList())
                item.Remove(name);
            foreach (var (name, value) in old)
                item[name] = value?.DeepClone();
            if (status is null)
                item.Remove("status");
            else
                item["status"] = status;
            return;
        }

        var metadata = item.Obj("metadata")!;
        var oldMetadata = old.Obj("metadata")!;
        foreach (var name in ServerOwned)
        {
            if (oldMetadata[name] is { } value)
                metadata[name] = value.DeepClone();
            else
                metadata.Remove(name);
        }

        if (!type.HasStatus)
            return;
        if (old["status"] is { } oldStatus)
            item["status"] = oldStatus.DeepClone();
        else
            item.Remove("status");
    }

    static bool WantsChanged(JsonObject item, JsonObject old, ResourceType type)
    {
        bool Counts(string name) => name is not ("apiVersion" or "kind" or "metadata") && !(type.HasStatus && name == "status");
        return item.Select(member => member.Key).Union(old.Select(member => member.Key))
            .Any(name => Counts(name) && !JsonAccess.Same(item[name], old[name]));
    }

    /// <summary>A deletion has begun and nothing holds the object any more.</summary>
    static bool IsReadyToGo(JsonObject item, ResourceType type)
    {
        var metadata = item.Obj("metadata")!;
        return metadata.Str("deletionTimestamp") is not null
            && (metadata.Int("deletionGracePeriodSeconds") ?? 0) == 0
            && metadata.Arr("finalizers") is null or { Count: 0 }
            && !type.Strategy.HoldsDeletion(item);
    }
}
