using System.Text.Json.Serialization;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/api/v1/tasks</c>, <c>/api/v1/leases</c> and <c>/api/v1/devices</c>: what happened, from the log, also after the objects are gone; and live progress, which never goes into etcd (R10).
/// <c>{id}</c> is a UID or <c>name</c>; <c>?namespace=</c> tells names apart.
/// </summary>
static class HistoryEndpoints
{
    /// <summary>How many of a device's leases its history goes back.</summary>
    public const int LeasesOfDevice = 100;

    static readonly QueryParameter Namespace = new("namespace", "Tells objects of one name apart");

    public static void Map(ApiRoutes api, ILedger ledger, Authorizer authorizer)
    {
        api.Get("/api/v1/tasks/{id}/events", "Every event of a task and of its leases",
            ApiJson.Default.ItemListHistoryItem, async (context, cancel) =>
            {
                var task = await FindAsync(context, ledger, authorizer, "task", "videotasks", cancel);
                return new ItemList<HistoryItem>(await ledger.ReadTaskHistoryAsync(task.Uid, cancel));
            }, Namespace);
        api.Get("/api/v1/tasks/{id}/progress", "Live progress of a task's attempts",
            ApiJson.Default.ItemListProgressRow, async (context, cancel) =>
            {
                var task = await FindAsync(context, ledger, authorizer, "task", "videotasks", cancel);
                return new ItemList<ProgressRow>(await ledger.ReadProgressAsync(task.Uid, cancel));
            }, Namespace);
        // A device carries the leases of all namespaces: whoever may see them all may see its history.
        api.Get("/api/v1/devices/{id}/history", "Every event of a device and its newest leases",
            ApiJson.Default.ItemListHistoryItem, async (context, cancel) =>
            {
                var id = ApiQuery.Route(context, "id");
                await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
                var items = await ledger.ReadDeviceHistoryAsync(id, LeasesOfDevice, cancel);
                if (items.Count == 0)
                    throw new HttpProblem(404, "NotFound", $"the log knows no device \"{id}\"; `kubectl get gpupools -o yaml` shows their ids");
                return new ItemList<HistoryItem>(items);
            });
        api.Get("/api/v1/leases/{id}/history", "Every event of a lease", ApiJson.Default.ItemListHistoryItem, async (context, cancel) =>
        {
            var lease = await FindAsync(context, ledger, authorizer, "lease", "gpuleases", cancel);
            return new ItemList<HistoryItem>(await ledger.ReadLeaseHistoryAsync(lease.Uid, cancel));
        }, Namespace);
    }

    // The right is asked for in the namespace that the log names, so that a UID opens no other tenant's history.
    public static async Task<NamedStream> FindAsync(
        HttpContext context, ILedger ledger, Authorizer authorizer, string kind, string resource, CancellationToken cancel, string verb = "get")
    {
        var id = ApiQuery.Route(context, "id");
        var ns = ApiQuery.Text(context, "namespace");
        var found = await ledger.FindByNameAsync(kind, ns, id, cancel);
        await authorizer.RequireAsync(context, verb, resource, found?.Namespace ?? ns ?? "default", found?.Name ?? id, cancel);
        return found ?? throw new HttpProblem(404, "NotFound", $"the log knows no {kind} \"{id}\"{(ns is null ? "" : $" in namespace {ns}")}");
    }
}

/// <summary>A list as every route answers it.</summary>
sealed record ItemList<T>(IReadOnlyList<T> Items);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ItemList<HistoryItem>))]
[JsonSerializable(typeof(ItemList<ProgressRow>))]
[JsonSerializable(typeof(HistoryItem))]
sealed partial class ApiJson : JsonSerializerContext;
