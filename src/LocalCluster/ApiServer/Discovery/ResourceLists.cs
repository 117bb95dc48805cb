using System.Text.Json.Nodes;
using Framelease.LocalCluster.ApiServer.Registry;

namespace Framelease.LocalCluster.ApiServer.Discovery;

/// <summary><c>APIResourceList</c>: the resources of one version.</summary>
static class ResourceLists
{
    public static JsonObject? List(ResourceTable table, string group, string version)
    {
        var types = table.Types.Where(type => type.Group == group && type.Version == version).ToList();
        if (types.Count == 0)
            return null;
        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = types[0].ApiVersion,
            ["resources"] = new JsonArray([.. types.SelectMany(Describe)]),
        };
    }

    static IEnumerable<JsonObject> Describe(ResourceType type)
    {
        var resource = new JsonObject
        {
            ["name"] = type.Plural,
            ["singularName"] = type.Singular,
            ["namespaced"] = type.Namespaced,
            ["kind"] = type.Kind,
            ["verbs"] = Array(type.Verbs),
        };
        if (type.ShortNames.Count > 0)
            resource["shortNames"] = Array(type.ShortNames);
        if (type.Categories.Count > 0)
            resource["categories"] = Array(type.Categories);
        if (type.Can("get"))
            resource["storageVersionHash"] = Hash(type);
        yield return resource;
        if (type.HasStatus)
            yield return Sub(type, "status", type.Kind, null, ["get", "patch", "update"]);
        foreach (var sub in type.Subresources)
            yield return Sub(type, sub.Name, sub.Kind, sub.ApiVersion, sub.Verbs);
    }

    static JsonObject Sub(ResourceType type, string name, string kind, string? apiVersion, IReadOnlyList<string> verbs)
    {
        var resource = new JsonObject
        {
            ["name"] = $"{type.Plural}/{name}",
            ["singularName"] = "",
            ["namespaced"] = type.Namespaced,
            ["kind"] = kind,
            ["verbs"] = Array(verbs),
        };
        if (apiVersion?.Split('/') is [var group, var version])
        {
            resource["group"] = group;
            resource["version"] = version;
        }

        return resource;
    }

    public static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    static string Hash(ResourceType type) => Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(
        System.Text.Encoding.UTF8.GetBytes($"{type.Store}/{type.Version}/{type.Kind}")).AsSpan(0, 8));
}
