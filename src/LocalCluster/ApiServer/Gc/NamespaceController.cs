using System.Text.Json.Nodes;
using System.Threading.Channels;
using Framelease.LocalCluster.ApiServer.Builtin;
using Framelease.LocalCluster.ApiServer.Crd;
using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Gc;

/// <summary>
/// Empties what is being deleted as a whole, a namespace or a custom kind, and lets it go when nothing is left; gives every
/// namespace its default service account.
/// </summary>
sealed class NamespaceController(ObjectStore store, ResourceRegistry registry, ObjectOperations operations, TimeProvider time, ILogger log)
{
    // Objects with finalizers or grace leave on their own time; each leaving is an event, this is only the safety net.
    static readonly TimeSpan Again = TimeSpan.FromSeconds(5);

    readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Called with every durable change.</summary>
    public void Observe(StoreEvent change)
    {
        if (change.Type == StoreEventType.Deleted || change.Object.Resource is NamespaceRules.Store or CrdTypes.Store)
            _wake.Writer.TryWrite(true);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            var pending = await RoundAsync();
            var wait = _wake.Reader.WaitToReadAsync(stop).AsTask();
            try
            {
                await (pending ? wait.WaitAsync(Again, time, stop) : wait);
            }
            catch (TimeoutException)
            {
                // Look again.
            }

            _wake.Reader.TryRead(out _);
        }
    }

    async Task<bool> RoundAsync()
    {
        var pending = false;
        foreach (var item in store.State.List(NamespaceRules.Store, null).Concat(store.State.List(CrdTypes.Store, null)))
        {
            try
            {
                pending |= await OneAsync(item);
            }
            catch (ApiException error) when (error.Code is 404 or 409)
            {
                pending = true;
            }
            catch (Exception error)
            {
                pending = true;
                Log.LoopFailed(log, "namespace", item.Key.ToString(), error);
            }
        }

        return pending;
    }

    async Task<bool> OneAsync(StoredObject item)
    {
        var isNamespace = item.Resource == NamespaceRules.Store;
        if (item.Header.DeletionTimestamp is null)
        {
            if (isNamespace)
                await EnsureDefaultAccountAsync(item.Key.Name);
            return false;
        }

        var content = (isNamespace ? store.State.All().Where(other => other.Key.Namespace == item.Key.Name) : CustomObjects(item)).ToList();
        foreach (var kind in content.Where(other => other.Header.DeletionTimestamp is null).GroupBy(other => other.Resource))
        {
            if (registry.Table.FindStore(kind.Key) is { } type)
                await operations.DeleteManyAsync(type, kind, new DeleteOptions(Propagation: "Background"));
        }

        if ((isNamespace ? store.State.All().Any(other => other.Key.Namespace == item.Key.Name) : CustomObjects(item).Any()))
            return true;
        await ReleaseAsync(item, isNamespace);
        return false;
    }

    IEnumerable<StoredObject> CustomObjects(StoredObject definition) => store.State.List(definition.Key.Name, null);

    async Task ReleaseAsync(StoredObject item, bool isNamespace)
    {
        var type = registry.Table.FindStore(item.Resource)!;
        if (!isNamespace)
        {
            await operations.UpdateAsync(type, item.Key, tree => Finalizers.Without(tree, CrdStrategy.Cleanup), isStatus: false, new WriteOptions());
            return;
        }

        await operations.FinalizeAsync(type, item.Key, tree =>
        {
            var spec = tree.Ensure("spec");
            spec["finalizers"] = new JsonArray([.. spec.Arr("finalizers").Strings()
                .Where(name => name != NamespaceStrategy.Finalizer).Select(name => JsonValue.Create(name))]);
        });
    }

    async Task EnsureDefaultAccountAsync(string ns)
    {
        const string Accounts = "serviceaccounts";
        if (store.State.Find(Accounts, new ObjectKey(ns, "default")) is not null)
            return;
        try
        {
            var account = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } };
            await operations.CreateAsync(registry.Table.FindStore(Accounts)!, ns, account, new WriteOptions());
        }
        catch (ApiException error) when (error.Code is 403 or 409)
        {
            // Created by somebody else, or the namespace began to go.
        }
    }
}
