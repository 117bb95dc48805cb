using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Discovery;

/// <summary><c>APIGroupDiscoveryList</c>: everything in one answer, as clients since 1.26 prefer it.</summary>
static class AggregatedDiscovery
{
    public static JsonObject List(ResourceTable table, bool core) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = "apidiscovery.k8s.io/v2",
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. table.Groups().Where(group => group.Group.Length == 0 == core).Select(group => new JsonObject
        {
            ["metadata"] = group.Group.Length == 0 ? new JsonObject() : new JsonObject { ["name"] = group.Group },
            ["versions"] = new JsonArray([.. group.Versions.Select(version => Version(table, group.Group, version))]),
        })]),
    };

    static JsonObject Version(ResourceTable table, string group, string version) => new()
    {
        ["version"] = version,
        ["resources"] = new JsonArray([.. table.Types.Where(type => type.Group == group && type.Version == version).Select(Resource)]),
        ["freshness"] = "Current",
    };

    static JsonObject Resource(ResourceType type)
    {
        var resource = new JsonObject
        {
            ["resource"] = type.Plural,
            ["responseKind"] = Kind(type.Group, type.Version, type.Kind),
            ["scope"] = type.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = type.Singular,
            ["verbs"] = ResourceLists.Array(type.Verbs),
        };
        if (type.ShortNames.Count > 0)
            resource["shortNames"] = ResourceLists.Array(type.ShortNames);
        if (type.Categories.Count > 0)
            resource["categories"] = ResourceLists.Array(type.Categories);
        var subresources = new JsonArray();
        if (type.HasStatus)
            subresources.Add(Sub("status", Kind(type.Group, type.Version, type.Kind), ["get", "patch", "update"]));
        foreach (var sub in type.Subresources)
        {
            var (group, version) = sub.ApiVersion?.Split('/') is [var g, var v] ? (g, v) : (type.Group, type.Version);
            subresources.Add(Sub(sub.Name, Kind(group, version, sub.Kind), sub.Verbs));
        }

        if (subresources.Count > 0)
            resource["subresources"] = subresources;
        return resource;
    }

    static JsonObject Sub(string name, JsonObject kind, IReadOnlyList<string> verbs) =>
        new() { ["subresource"] = name, ["responseKind"] = kind, ["verbs"] = ResourceLists.Array(verbs) };

    static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };
}
