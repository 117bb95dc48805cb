using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Handlers;

/// <summary>Liveness and readiness, open to everybody as on a cluster. The server listens only when it is ready.</summary>
static class HealthHandler
{
    public static async Task<bool> TryHandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path is not ("/readyz" or "/livez" or "/healthz" or "/readyz/ping" or "/livez/ping" or "/healthz/ping"))
            return false;
        await ApiResponse.WriteAsync(context, 200, "ok"u8.ToArray(), "text/plain; charset=utf-8");
        return true;
    }
}
