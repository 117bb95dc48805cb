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
    const int LeasesOfDevice = 100;

    public static void Map(IEndpointRouteBuilder routes, ILedger ledger, Authorizer authorizer, ILogger logger)
    {
        routes.MapGet("/api/v1/tasks/{id}/events", (HttpContext context, string id) => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var task = await FindAsync(context, ledger, authorizer, "task", "videotasks", id, cancel);
            await JsonRoute.WriteAsync(context, new ItemList<HistoryItem>(await ledger.ReadTaskHistoryAsync(task.Uid, cancel)), ApiJson.Default.ItemListHistoryItem, cancel);
        }));
        routes.MapGet("/api/v1/tasks/{id}/progress", (HttpContext context, string id) => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var task = await FindAsync(context, ledger, authorizer, "task", "videotasks", id, cancel);
            await JsonRoute.WriteAsync(context, new ItemList<ProgressRow>(await ledger.ReadProgressAsync(task.Uid, cancel)), ApiJson.Default.ItemListProgressRow, cancel);
        }));
        // A device carries the leases of all namespaces: whoever may see them all may see its history.
        routes.MapGet("/api/v1/devices/{id}/history", (HttpContext context, string id) => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            CheckLength(id);
            await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
            var items = await ledger.ReadDeviceHistoryAsync(id, LeasesOfDevice, cancel);
            if (items.Count == 0)
                throw new HttpProblem(404, "NotFound", $"the log knows no device \"{id}\"; `kubectl get gpupools -o yaml` shows their ids");
            await JsonRoute.WriteAsync(context, new ItemList<HistoryItem>(items), ApiJson.Default.ItemListHistoryItem, cancel);
        }));
        routes.MapGet("/api/v1/leases/{id}/history", (HttpContext context, string id) => JsonRoute.AnswerAsync(context, logger, async cancel =>
        {
            var lease = await FindAsync(context, ledger, authorizer, "lease", "gpuleases", id, cancel);
            await JsonRoute.WriteAsync(context, new ItemList<HistoryItem>(await ledger.ReadLeaseHistoryAsync(lease.Uid, cancel)), ApiJson.Default.ItemListHistoryItem, cancel);
        }));
    }

    static void CheckLength(string id)
    {
        if (id.Length > 253)
            throw new HttpProblem(400, "Invalid", "id: at most 253 characters");
    }

    // The right is asked for in the namespace that the log names, so that a UID opens no other tenant's history.
    static async Task<NamedStream> FindAsync(
        HttpContext context, ILedger ledger, Authorizer authorizer, string kind, string resource, string id, CancellationToken cancel)
    {
        CheckLength(id);
        var ns = context.Request.Query["namespace"].FirstOrDefault();
        var found = await ledger.FindByNameAsync(kind, ns, id, cancel);
        await authorizer.RequireAsync(context, "get", resource, found?.Namespace ?? ns ?? "default", found?.Name ?? id, cancel);
        return found ?? throw new HttpProblem(404, "NotFound", $"the log knows no {kind} \"{id}\"{(ns is null ? "" : $" in namespace {ns}")}");
    }
}

/// <summary>A list as every route answers it.</summary>
sealed record ItemList<T>(IReadOnlyList<T> Items);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ItemList<HistoryItem>))]
[JsonSerializable(typeof(ItemList<ProgressRow>))]
sealed partial class ApiJson : JsonSerializerContext;
