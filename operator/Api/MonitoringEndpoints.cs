using Framelease.Operator.Leases;
using Framelease.Operator.Monitoring;

namespace Framelease.Operator.Api;

/// <summary>
/// <c>/api/v1/monitoring</c>, field for field as the system before knew it. Reading needs the right to list gpuleases in the whole cluster;
/// releasing a lock needs a right of its own: verb <c>release</c> on <c>locks</c> of our API group.
/// </summary>
static class MonitoringEndpoints
{
    const string Root = "/api/v1/monitoring";

    public static void Map(ApiRoutes api, MonitoringService monitoring, IPlatformReads reads, LeaseOrders orders, Authorizer authorizer)
    {
        api.Get($"{Root}/gpu-lock/health", "Whether leases are granted as they should be", MonitoringJson.Default.LockHealth,
            Reading(authorizer, monitoring.ReadHealthAsync));
        api.Get($"{Root}/heartbeat/all", "Every worker that is heard of, silent ones and orphans", MonitoringJson.Default.HeartbeatReport,
            Reading(authorizer, monitoring.ReadHeartbeatsAsync));
        api.Get($"{Root}/statistics", "Leases and the monitor in figures", MonitoringJson.Default.MonitoringStatistics,
            Reading(authorizer, monitoring.ReadStatisticsAsync));
        api.Get($"{Root}/monitor/status", "What the monitor itself has done", MonitoringJson.Default.MonitorReport,
            Reading(authorizer, monitoring.ReadMonitorAsync));
        api.Post(
            $"{Root}/release-lock", "Take a lease away, or put a quarantined slot back into service",
                MonitoringJson.Default.ReleaseLockRequest,
            MonitoringJson.Default.ReleaseLockReply,
            async (context, request, cancel) =>
            {
                var user = await authorizer.RequireAsync(context, "release", "locks", null, null, cancel);
                return await ReleaseAsync(request, user, reads, orders, cancel);
            });
    }

    static Func<HttpContext, CancellationToken, Task<T>> Reading<T>(Authorizer authorizer, Func<CancellationToken, Task<T>> read) =>
        async (context, cancel) =>
        {
            await authorizer.RequireAsync(context, "list", "gpuleases", null, null, cancel);
            return await read(cancel);
        };

    static async Task<ReleaseLockReply> ReleaseAsync(
        ReleaseLockRequest request, string user, IPlatformReads reads, LeaseOrders orders, CancellationToken cancel)
    {
        if (request.LockKey is not { Length: > 0 and <= 512 } key)
            throw new HttpProblem(400, "Invalid", "lock_key: gpu_lock:N, DEVICE, NODE/DEVICE or NODE/DEVICE#SLOT, at most 512 characters");
        var slot = LockKey.Resolve(key, await reads.ReadSlotsAsync(cancel)) switch
        {
            LockKey.Resolution.Found f => f.Slot,
            LockKey.Resolution.Ambiguous a => throw new HttpProblem(
                409, "Ambiguous", $"\"{key}\" may mean any of: {string.Join(", ", a.Names.Take(50))}; name one of them"),
            LockKey.Resolution.NotHeld n => throw new HttpProblem(409, "NotHeld", $"{string.Join(", ", n.Names)}: free already"),
            _ => throw new HttpProblem(404, "NotFound", $"no device is named \"{key}\"; GET /api/v1/devices lists them"),
        };
        var reason = request.Reason ?? $"release-lock {key}";
        var outcome = slot is { State: "Granted", Lease: { } lease }
            ? await orders.RevokeAsync(lease, user, reason, cancel)
            : await orders.ReleaseByPersonAsync(slot.Node, slot.Device, slot.Slot, user, reason, cancel);
        if (outcome is OrderOutcome.Refused no)
            throw new HttpProblem(no.Reason switch { "NotFound" => 404, "ReasonInvalid" => 400, _ => 409 }, no.Reason, no.Message);
        var done = (OrderOutcome.Done)outcome;
        var now = (await reads.ReadSlotsAsync(cancel)).First(s => LockKey.Name(s) == LockKey.Name(slot));
        var at = now.Since.ToUnixTimeMilliseconds() / 1000.0;
        return new ReleaseLockReply(true, key, LockKey.Name(slot), now.State, done.Holder, done.LeaseUid, done.Token, user, at);
    }
}
