using Framelease.LocalCluster.ApiServer.Errors;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Json;
using Framelease.LocalCluster.ApiServer.Registry;
using Framelease.LocalCluster.ApiServer.Storage;
using Microsoft.Extensions.Logging;

namespace Framelease.LocalCluster.ApiServer.Gc;

/// <summary>Events live for an hour after their last change.</summary>
sealed class EventExpiry(ObjectStore store, ResourceRegistry registry, ObjectOperations operations, TimeProvider time, ILogger log)
{
    static readonly TimeSpan Keep = TimeSpan.FromHours(1);
    static readonly TimeSpan Every = TimeSpan.FromMinutes(5);

    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await SweepAsync();
            }
            catch (ApiException error)
            {
                Log.LoopFailed(log, "event expiry", "", error);
            }

            await Task.Delay(Every, time, stop);
        }
    }

    async Task SweepAsync()
    {
        var type = registry.Table.FindStore("events")!;
        var before = time.GetUtcNow() - Keep;
        foreach (var item in store.State.List("events", null))
        {
            if (LastSeen(item) is { } seen && seen < before)
                await operations.DeleteAsync(type, item.Key, new DeleteOptions(Uid: item.Header.Uid));
        }
    }

    static DateTimeOffset? LastSeen(StoredObject item)
    {
        var tree = item.Parse();
        return new[] { tree.Obj("metadata").Str("creationTimestamp"), tree.Str("lastTimestamp"), tree.Obj("series").Str("lastObservedTime") }
            .Select(Timestamps.Parse).Max();
    }
}
