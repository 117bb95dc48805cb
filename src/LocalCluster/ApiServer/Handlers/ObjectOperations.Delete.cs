using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Gc;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;

namespace Framelease.LocalCluster.ApiServer.Handlers;

sealed partial class ObjectOperations
{
    // Enough for one flush to serve many, few enough to leave room for other writers.
    const int Bunch = 64;

    /// <summary>Deletes an object, or begins to when something holds it.</summary>
    /// <returns>The last state, and whether the object is gone.</returns>
    public async Task<(JsonObject Item, bool Gone)> DeleteAsync(ResourceType type, ObjectKey key, DeleteOptions options)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var current = store.State.Find(type.Store, key) ?? throw ApiErrors.NotFound(type, key.Name);
            var item = Serve(current, type);
            CheckPreconditions(type, key, item, options);
            type.Strategy.CheckDelete(type, item);
            var before = (JsonObject)item.DeepClone();
            var gone = Begin(type, item, options);
            if (options.DryRun || (!gone && JsonAccess.Same(before, item)))
                return (item, gone);
            var body = (JsonObject)item.DeepClone();
            type.Strategy.ToStored(body, type);
            var stored = await store.CommitAsync(new Commit(type.Store, key, current.Revision, body, gone));
            if (stored is not null)
                return (Serve(stored, type), gone);
        }

        throw ApiErrors.Modified(type, key.Name);
    }

    /// <summary>Deletes many objects, a bunch at a time so that they share flushes. What others delete meanwhile is no failure.</summary>
    public async Task DeleteManyAsync(ResourceType type, IEnumerable<StoredObject> items, DeleteOptions options)
    {
        async Task OneAsync(StoredObject item)
        {
            try
            {
                await DeleteAsync(type, item.Key, options);
            }
            catch (ApiException error) when (error.Code == 404)
            {
                // Gone already.
            }
        }

        foreach (var bunch in items.Chunk(Bunch))
            await Task.WhenAll(bunch.Select(OneAsync));
    }

    /// <summary>Changes what holds the deletion of a namespace, which ordinary updates cannot; removes it when nothing does.</summary>
    public async Task<JsonObject> FinalizeAsync(ResourceType type, ObjectKey key, Action<JsonObject> change)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var current = store.State.Find(type.Store, key) ?? throw ApiErrors.NotFound(type, key.Name);
            var item = current.Parse();
            change(item);
            var stored = await store.CommitAsync(new Commit(type.Store, key, current.Revision, item, IsReadyToGo(item, type)));
            if (stored is not null)
                return Serve(stored, type);
        }

        throw ApiErrors.Modified(type, key.Name);
    }

    /// <summary>Writes the beginning of the deletion into the object. True when it can go at once.</summary>
    bool Begin(ResourceType type, JsonObject item, DeleteOptions options)
    {
        var metadata = item.Obj("metadata")!;
        SetPropagation(metadata, options.Propagation);
        var grace = type.Strategy.GraceOnDelete(item, options.GraceSeconds);
        var began = metadata.Str("deletionTimestamp") is not null;
        var left = metadata.Int("deletionGracePeriodSeconds") ?? 0;
        var isHeld = metadata.Arr("finalizers") is { Count: > 0 } || type.Strategy.HoldsDeletion(item);
        if (grace == 0 && !isHeld)
            return true;
        if (began)
        {
            // A deletion can only be made shorter.
            if (grace < left)
                SetDeletion(metadata, grace);
            return false;
        }

        SetDeletion(metadata, grace);
        if (type.TracksGeneration)
            metadata["generation"] = (metadata.Int("generation") ?? 0) + 1;
        type.Strategy.PrepareForDeletion(item);
        return false;
    }

    void SetDeletion(JsonObject metadata, long grace)
    {
        metadata["deletionTimestamp"] = Timestamps.Format(time.GetUtcNow().AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
    }

    static void SetPropagation(JsonObject metadata, string? policy)
    {
        if (policy is null)
            return;
        var finalizers = metadata.Arr("finalizers").Strings()
            .Where(name => name is not (GarbageCollector.Orphan or GarbageCollector.Foreground)).ToList();
        if (policy == "Orphan")
            finalizers.Add(GarbageCollector.Orphan);
        if (policy == "Foreground")
            finalizers.Add(GarbageCollector.Foreground);
        if (finalizers.Count == 0)
            metadata.Remove("finalizers");
        else
            metadata["finalizers"] = new JsonArray([.. finalizers.Select(name => JsonValue.Create(name))]);
    }

    static void CheckPreconditions(ResourceType type, ObjectKey key, JsonObject item, DeleteOptions options)
    {
        var metadata = item.Obj("metadata")!;
        if (options.Uid is { } uid && uid != metadata.Str("uid"))
        {
            throw ApiErrors.Conflict(type, key.Name,
                $"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.Str("uid")}");
        }

        if (options.ResourceVersion is { } revision && revision != metadata.Str("resourceVersion"))
        {
            throw ApiErrors.Conflict(type, key.Name,
                $"Precondition failed: ResourceVersion in precondition: {revision}, ResourceVersion in object meta: {metadata.Str("resourceVersion")}");
        }
    }
}
