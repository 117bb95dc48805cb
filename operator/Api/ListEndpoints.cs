using System.Text.Json.Serialization;
using Framelease.Operator.Ledger;
using Framelease.Operator.Monitoring;
using Framelease.Operator.Pools;

namespace Framelease.Operator.Api;

/// <summary>Lists of leases and devices, and who had a device at a moment: from views, also of what is gone.</summary>
static class ListEndpoints
{
    static readonly string[] States =
        ["Pending", "Granted", "Draining", "Quarantined", "Releasing", "Released", "Expired", "Revoked", "GaveUp"];

    static readonly QueryParameter[] Paging =
    [
        new("namespace", "Only of this namespace: then the right to list there is enough"), new("pool", "Only of this pool"),
        new("state", "Only in this state: " + string.Join(", ", States)),
        new("limit", $"1 to {ApiQuery.MostLimit}; default {ApiQuery.DefaultLimit}", "integer"), new("continue", "From the page before"),
    ];

    public static void Map(ApiRoutes api, IPlatformReads reads, ILedger ledger, DeviceOrders devices, Authorizer authorizer)
    {
        api.Get("/api/v1/leases", "Leases, newest first", ListJson.Default.PageLeaseRow, async (context, cancel) =>
        {
            var ns = ApiQuery.Text(context, "namespace");
            await authorizer.RequireAsync(context, "list", "gpuleases", ns, null, cancel);
            var state = ApiQuery.Text(context, "state");
            if (state is not null && !States.Contains(state, StringComparer.Ordinal))
                throw new HttpProblem(400, "Invalid", $"state: \"{state}\"; allowed is {string.Join(", ", States)}");
            var limit = ApiQuery.Limit(context);
            // One more than asked for tells whether there is a next page.
            var found = await reads.ReadLeasesAsync(
                new LeaseFilter(ns, ApiQuery.Text(context, "pool"), state, ApiQuery.Continue(context), limit + 1), cancel);
            return found.Count > limit
                ? new Page<LeaseRow>([.. found.Take(limit)], ApiQuery.ContinueAt(found[limit - 1].Sequence))
                : new Page<LeaseRow>(found, null);
        }, Paging);
        api.Get("/api/v1/devices", "Slots of all devices", ListJson.Default.PageSlotRow, async (context, cancel) =>
        {
            await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
            var pool = ApiQuery.Text(context, "pool");
            return new Page<SlotRow>([.. (await reads.ReadSlotsAsync(cancel)).Where(s => pool is null || s.Pool == pool)], null);
        }, new QueryParameter("pool", "Only of this pool"));
        api.Post(
            "/api/v1/devices/return", "Take a degraded device back into service, on the caller's word that it is fit",
            ListJson.Default.ReturnDeviceRequest, ListJson.Default.ReturnDeviceReply, async (context, request, cancel) =>
            {
                var user = await authorizer.RequireAsync(context, "return", "devices", null, null, cancel);
                return await ReturnAsync(request, user, devices, cancel);
            });
        api.Get(
            "/api/v1/devices/{pool}/{device}/history", "Who had a device's slots, now or at a moment, and every event up to then",
            ListJson.Default.DeviceHistory, async (context, cancel) =>
            {
                await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
                var (pool, device) = (ApiQuery.Route(context, "pool"), ApiQuery.Route(context, "device"));
                var at = ApiQuery.Time(context, "at") ?? (await reads.ReadStateAsync(cancel)).Now;
                var holders = await reads.ReadHoldersAsync(pool, device, at, cancel);
                var events = await ledger.ReadDeviceHistoryAsync(device, HistoryEndpoints.LeasesOfDevice, cancel);
                if (events.Count == 0)
                    throw new HttpProblem(404, "NotFound", $"the log knows no device \"{device}\"; GET /api/v1/devices lists those of now");
                return new DeviceHistory(
                    pool, device, at, [.. holders.Select(h => AsItWas(h, at))], [.. events.Where(e => e.Timestamp <= at)]);
            }, new QueryParameter("at", "A moment, as 2026-01-31T14:02:00Z"));
    }

    static async Task<ReturnDeviceReply> ReturnAsync(
        ReturnDeviceRequest request, string user, DeviceOrders devices, CancellationToken cancel)
    {
        if (request is not { Node: { Length: > 0 and <= 253 } node, Device: { Length: > 0 and <= 253 } device })
            throw new HttpProblem(400, "Invalid", "node and device: 1 to 253 characters each; GET /api/v1/devices lists them");
        try
        {
            var before = await devices.ReturnAsync(node, device, user, request.Reason ?? "", cancel);
            return new ReturnDeviceReply(node, device, before.Fitness.ToString(), before.Reason, user);
        }
        catch (DeviceOrderException e)
        {
            throw new HttpProblem(e.Reason switch { "NotFound" => 404, "ReasonInvalid" => 400, _ => 409 }, e.Reason, e.Message);
        }
    }

    // What happened later was not known then: a holder that has ended since still held.
    static LeaseRow AsItWas(LeaseRow row, DateTimeOffset at) => row.EndedAt <= at
        ? row with { State = "Quarantined" }
        : row with { State = "Granted", Cause = null, EndedAt = null, FreedAt = null, Proof = null };
}

/// <summary>A page of a list.</summary>
/// <param name="Continue">Hand it back as <c>?continue=</c> for the next page; null = this was the last.</param>
sealed record Page<T>(IReadOnlyList<T> Items, string? Continue);

/// <param name="Holders">Who had its slots at that moment: who held them, and whose end was not proven yet (Quarantined).</param>
/// <param name="Items">Events of the device and of its newest 100 leases, up to that moment.</param>
sealed record DeviceHistory(string Pool, string Device, DateTimeOffset At, IReadOnlyList<LeaseRow> Holders,
    IReadOnlyList<HistoryItem> Items);

/// <param name="Reason">For the history, 1 to 512 characters.</param>
sealed record ReturnDeviceRequest(string Node, string Device, string? Reason);

/// <param name="Was">Degraded or Probation.</param>
/// <param name="Because">Why it was.</param>
sealed record ReturnDeviceReply(string Node, string Device, string Was, string? Because, string ReturnedBy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Page<LeaseRow>))]
[JsonSerializable(typeof(Page<SlotRow>))]
[JsonSerializable(typeof(DeviceHistory))]
[JsonSerializable(typeof(ReturnDeviceRequest))]
[JsonSerializable(typeof(ReturnDeviceReply))]
sealed partial class ListJson : JsonSerializerContext;
