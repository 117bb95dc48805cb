using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Handlers;
using Framelease.LocalCluster.ApiServer.Registry;
using Microsoft.AspNetCore.Http;

namespace Framelease.LocalCluster.ApiServer.Discovery;

/// <summary>What is served: <c>/version</c>, <c>/api</c>, <c>/apis</c> and the resources of each version, in both forms.</summary>
sealed class DiscoveryHandler(ResourceRegistry registry, OpenApi.OpenApiHandler openApi)
{
    const string Aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    public async Task<bool> TryHandleAsync(HttpContext context)
    {
        if (context.Request.Method is not ("GET" or "HEAD"))
            return false;
        var path = (context.Request.Path.Value ?? "").TrimEnd('/');
        if (path.StartsWith("/openapi/", StringComparison.Ordinal))
            return await openApi.TryHandleAsync(context, path);
        var table = registry.Table;
        JsonNode? answer = path.Split('/', StringSplitOptions.RemoveEmptyEntries) switch
        {
            [] => Paths(table),
            ["version"] => ServerVersion.ToJson(),
            ["api"] => WantsAggregated(context) ? AggregatedDiscovery.List(table, core: true) : Versions(context),
            ["apis"] => WantsAggregated(context) ? AggregatedDiscovery.List(table, core: false) : Groups(table),
            ["api", "v1"] => ResourceLists.List(table, "", "v1"),
            ["apis", var group] => Group(table, group),
            ["apis", var group, var version] => ResourceLists.List(table, group, version),
            _ => null,
        };
        if (answer is null)
            return false;
        var contentType = answer["kind"]?.GetValue<string>() == "APIGroupDiscoveryList" ? Aggregated : "application/json";
        context.Response.Headers.Vary = "Accept";
        await ApiResponse.WriteAsync(context, 200, Json.JsonWriting.ToUtf8(answer), contentType);
        return true;
    }

    static bool WantsAggregated(HttpContext context)
    {
        // Clients list the aggregated form first; v2beta1 alone is from before it was stable.
        var accept = context.Request.Headers.Accept.ToString();
        return accept.Split(',').Any(range => range.Contains("APIGroupDiscoveryList", StringComparison.Ordinal)
            && range.Split(';').Any(part => part.Trim() == "v=v2"));
    }

    static JsonObject Paths(ResourceTable table) => new()
    {
        ["paths"] = new JsonArray(
        [
            "/api", "/api/v1", "/apis",
            .. table.Groups().Where(group => group.Group.Length > 0)
                .SelectMany(group => (IEnumerable<string>)[$"/apis/{group.Group}", .. group.Versions.Select(v => $"/apis/{group.Group}/{v}")]),
            "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version",
        ]),
    };

    static JsonObject Versions(HttpContext context) => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject
        {
            ["clientCIDR"] = "0.0.0.0/0",
            ["serverAddress"] = context.Request.Host.Value,
        }),
    };

    static JsonObject Groups(ResourceTable table) => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. table.Groups().Where(group => group.Group.Length > 0).Select(group => Describe(group.Group, group.Versions))]),
    };

    static JsonObject? Group(ResourceTable table, string name)
    {
        var (group, versions) = table.Groups().FirstOrDefault(group => group.Group == name);
        if (group is null)
            return null;
        var described = Describe(group, versions);
        described.Insert(0, "kind", "APIGroup");
        described.Insert(1, "apiVersion", "v1");
        return described;
    }

    static JsonObject Describe(string group, IReadOnlyList<string> versions)
    {
        JsonObject One(string version) => new() { ["groupVersion"] = $"{group}/{version}", ["version"] = version };
        return new JsonObject
        {
            ["name"] = group,
            ["versions"] = new JsonArray([.. versions.Select(One)]),
            ["preferredVersion"] = One(versions[0]),
        };
    }
}
