// Objects as the server would print them: what `kubectl get` shows.
using System.Text.Json.Nodes;

namespace Framelease.Kubernetes.Client;

public sealed partial class KubernetesClient
{
    /// <summary>One object (<paramref name="name"/>), or all of a namespace, or of all namespaces when that is null too, as a meta/v1 Table.</summary>
    public Task<JsonObject> GetTableAsync(ResourceRef resource, string? name, string? ns, CancellationToken ct)
    {
        var path = name is null ? resource.Path(ns) : OnePath(resource, ns, name);
        var request = new Request(HttpMethod.Get, path, name is null ? "list" : "get", resource)
        {
            Accept = "application/json;as=Table;v=v1;g=meta.k8s.io, application/json",
        };
        return SendAsync<JsonObject>(request, ct);
    }
}
