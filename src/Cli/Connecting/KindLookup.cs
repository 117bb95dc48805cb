using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Connecting;

/// <summary>Finds a resource by what people type: plural, singular, kind or short name, with or without its group.</summary>
static class KindLookup
{
    /// <exception cref="CliException">The server has no such kind.</exception>
    public static async Task<ResourceRef> FindAsync(IKubernetesClient client, string typed, CancellationToken ct)
    {
        var (name, group) = typed.Split('.', 2) is [var n, var g] ? (n, g) : (typed, null);
        if (group is null && await InAsync(client, "api/v1", "", "v1", name, ct) is { } core)
            return core;
        var groups = (await client.GetRawAsync("apis", ct))["groups"] as JsonArray ?? [];
        foreach (var found in groups.OfType<JsonObject>())
        {
            if (group is not null && (string?)found["name"] != group)
                continue;
            var version = (string?)(found["preferredVersion"]?["version"] ?? found["versions"]?[0]?["version"]) ?? "v1";
            if (await InAsync(client, $"apis/{found["name"]}/{version}", (string)found["name"]!, version, name, ct) is { } resource)
                return resource;
        }

        throw new CliException($"the server has no resource type \"{typed}\"");
    }

    static async Task<ResourceRef?> InAsync(IKubernetesClient client, string path, string group, string version, string name, CancellationToken ct)
    {
        var list = (await client.GetRawAsync(path, ct))["resources"] as JsonArray ?? [];
        foreach (var resource in list.OfType<JsonObject>())
        {
            var plural = (string?)resource["name"] ?? "";
            if (plural.Contains('/', StringComparison.Ordinal))
                continue;
            var kind = (string?)resource["kind"] ?? "";
            var names = (resource["shortNames"] as JsonArray ?? []).Select(s => (string?)s).Append(plural).Append(kind).Append((string?)resource["singularName"]);
            if (names.Contains(name, StringComparer.OrdinalIgnoreCase))
                return new(group, version, plural, kind, (bool?)resource["namespaced"] ?? false);
        }

        return null;
    }
}
