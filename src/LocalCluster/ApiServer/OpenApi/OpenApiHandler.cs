using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.OpenApi;

/// <summary>Publishes the schemas of everything that is served.</summary>
sealed class OpenApiHandler(ResourceRegistry registry, JsonObject metadataSchema)
{
    public Task<bool> TryHandleAsync(HttpContext context, string path)
    {
        _ = (registry, metadataSchema, context, path);
        return Task.FromResult(false);
    }
}
