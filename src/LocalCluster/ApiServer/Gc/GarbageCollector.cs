using System.Text.Json.Nodes;
using System.Threading.Channels;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Gc;

/// <summary>
/// Removes objects whose owners are all gone, and finishes deletions that asked to orphan or to take dependents first. It looks at
/// the present state for every object that it is told about, and at all objects when it starts.
/// </summary>
sealed class GarbageCollector(ObjectStore store, ResourceRegistry registry, ObjectOperations operations, ILogger log)
{
    public const string Orphan = "orphan";
    public const string Foreground = "foregroundDeletion";

    readonly Channel<StoredObject> _queue = Channel.CreateUnbounded<StoredObject>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Called with every durable change.</summary>
    public void Observe(StoreEvent change)
    {
        if (change.Type == StoreEventType.Deleted || change.Object.Header is { OwnerUids.Length: > 0 } or { DeletionTimestamp: not null })
            _queue.Writer.TryWrite(change.Object);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield();
        foreach (var item in store.State.All().Where(item => item.Header is { OwnerUids.Length: > 0 } or { DeletionTimestamp: not null }))
            _queue.Writer.TryWrite(item);
        await foreach (var item in _queue.Reader.ReadAllAsync(stop))
        {
            try
            {
                await ProcessAsync(item);
            }
            catch (ApiException error) when (error.Code is 404 or 409)
            {
                // It changed or went meanwhile; that change comes through the queue as well.
            }
            catch (Exception error)
            {
                Log.LoopFailed(log, "garbage collection", $"{item.Resource} {item.Key}", error);
            }
        }
    }

    async Task ProcessAsync(StoredObject item)
    {
        var current = store.State.Find(item.Resource, item.Key);
        if (current is null || current.Header.Uid != item.Header.Uid)
        {
            foreach (var dependent in Dependents(item.Header.Uid))
                await CollectAsync(dependent);
            await ReleaseOwnersAsync(item);
            return;
        }

        if (current.Header.DeletionTimestamp is not null && current.Header.FinalizerCount > 0)
            await FinishDeletionAsync(current);
        else if (current.Header.OwnerUids.Length > 0)
            await CollectAsync(current);
    }

    /// <summary>Owners that wait for their dependents to go first may have waited for this one.</summary>
    async Task ReleaseOwnersAsync(StoredObject item)
    {
        if (item.Header.OwnerUids.Length == 0)
            return;
        foreach (var owner in (item.Parse().Obj("metadata").Arr("ownerReferences") ?? []).OfType<JsonObject>())
        {
            if (Find(item, owner) is { Header: { DeletionTimestamp: not null, FinalizerCount: > 0 } } waiting)
                await FinishDeletionAsync(waiting);
        }
    }

    StoredObject? Find(StoredObject item, JsonObject owner)
    {
        if (registry.Table.FindKind(owner.Str("apiVersion") ?? "", owner.Str("kind") ?? "") is not { } type)
            return null;
        return store.State.Find(type.Store, new ObjectKey(type.Namespaced ? item.Key.Namespace : "", owner.Str("name") ?? ""));
    }

    List<StoredObject> Dependents(string uid) =>
        uid.Length == 0 ? [] : [.. store.State.All().Where(item => item.Header.OwnerUids.Contains(uid))];

    async Task CollectAsync(StoredObject item)
    {
        if (registry.Table.FindStore(item.Resource) is not { } type || item.Header.DeletionTimestamp is not null)
            return;
        var owners = (item.Parse().Obj("metadata").Arr("ownerReferences") ?? []).OfType<JsonObject>().ToList();
        var gone = owners.Where(owner => IsGone(item, owner)).ToList();
        if (gone.Count == 0)
            return;
        if (gone.Count == owners.Count)
        {
            await operations.DeleteAsync(type, item.Key, new DeleteOptions(Propagation: "Background", Uid: item.Header.Uid));
            Log.Collected(log, item.Resource, item.Key.ToString());
            return;
        }

        // Some owner still lives: only the references to the dead ones go.
        var uids = gone.Select(owner => owner.Str("uid")).ToHashSet();
        await RemoveOwnersAsync(type, item, owner => uids.Contains(owner.Str("uid")));
    }

    /// <summary>An owner is gone when its kind is served and no object of that name has that uid.</summary>
    bool IsGone(StoredObject item, JsonObject owner) =>
        registry.Table.FindKind(owner.Str("apiVersion") ?? "", owner.Str("kind") ?? "") is not null && Find(item, owner)?.Header.Uid != owner.Str("uid");

    async Task FinishDeletionAsync(StoredObject item)
    {
        if (registry.Table.FindStore(item.Resource) is not { } type)
            return;
        var finalizers = item.Parse().Obj("metadata").Arr("finalizers").Strings().ToList();
        if (finalizers.Contains(Orphan))
        {
            foreach (var dependent in Dependents(item.Header.Uid))
            {
                if (registry.Table.FindStore(dependent.Resource) is { } dependentType)
                    await RemoveOwnersAsync(dependentType, dependent, owner => owner.Str("uid") == item.Header.Uid);
            }

            await RemoveFinalizerAsync(type, item, Orphan);
        }
        else if (finalizers.Contains(Foreground))
        {
            await DeleteDependentsFirstAsync(type, item);
        }
    }

    async Task DeleteDependentsFirstAsync(ResourceType type, StoredObject item)
    {
        var blocking = false;
        foreach (var dependent in Dependents(item.Header.Uid))
        {
            blocking |= (dependent.Parse().Obj("metadata").Arr("ownerReferences") ?? [])
                .Any(owner => owner.Str("uid") == item.Header.Uid && owner.Bool("blockOwnerDeletion") == true);
            if (dependent.Header.DeletionTimestamp is null && registry.Table.FindStore(dependent.Resource) is { } dependentType)
                await operations.DeleteAsync(dependentType, dependent.Key, new DeleteOptions(Propagation: "Foreground", Uid: dependent.Header.Uid));
        }

        // The end of each dependent brings the owner here again.
        if (!blocking)
            await RemoveFinalizerAsync(type, item, Foreground);
    }

    Task RemoveFinalizerAsync(ResourceType type, StoredObject item, string finalizer) =>
        operations.UpdateAsync(type, item.Key, tree => Finalizers.Without(tree, finalizer), isStatus: false, new WriteOptions());

    Task RemoveOwnersAsync(ResourceType type, StoredObject item, Func<JsonNode?, bool> unwanted) =>
        operations.UpdateAsync(type, item.Key, tree =>
        {
            var metadata = tree.Obj("metadata")!;
            metadata["ownerReferences"] = new JsonArray([.. (metadata.Arr("ownerReferences") ?? [])
                .Where(owner => !unwanted(owner)).Select(owner => owner?.DeepClone())]);
            return tree;
        }, isStatus: false, new WriteOptions());
}

static class Finalizers
{
    public static JsonObject Without(JsonObject tree, string finalizer)
    {
        var metadata = tree.Obj("metadata")!;
        metadata["finalizers"] = new JsonArray([.. metadata.Arr("finalizers").Strings()
            .Where(name => name != finalizer).Select(name => JsonValue.Create(name))]);
        return tree;
    }
}
