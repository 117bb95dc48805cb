// kind → plural, asked from the server.
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Client;

static class Discovery
{
    public static async Task<ResourceRef> ResolveAsync(IKubernetesClient client, string apiVersion, string kind, CancellationToken ct)
    {
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        var (group, version) = slash < 0 ? ("", apiVersion) : (apiVersion[..slash], apiVersion[(slash + 1)..]);
        JsonObject list;
        try
        {
            list = await client.GetRawAsync((group.Length == 0 ? "api/" : "apis/") + apiVersion, ct);
        }
        catch (KubernetesException error) when (error.IsNotFound)
        {
            throw Unknown(apiVersion, kind);
        }

        foreach (var resource in list["resources"] as JsonArray ?? [])
        {
            var name = (string?)resource?["name"];
            if (name is null || name.Contains('/', StringComparison.Ordinal) || (string?)resource!["kind"] != kind)
                continue;
            return new(group, version, name, kind, (bool?)resource["namespaced"] ?? false);
        }

        throw Unknown(apiVersion, kind);
    }

    static KubernetesException Unknown(string apiVersion, string kind)
    {
        var message = $"the server has no kind \"{kind}\" in {apiVersion}: check the spelling, or install the CustomResourceDefinition first";
        return new(message, new Status { Outcome = "Failure", Code = 404, Reason = KubernetesReasons.NotFound, Message = message });
    }
}
