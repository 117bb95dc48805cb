using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;

namespace Framelease.Cli.Connecting;

/// <summary>
/// Where the operator's HTTP API and the object store are: annotations of the platform's namespace, written by whoever installs it, so that a
/// kubeconfig is all that a user needs.
/// </summary>
static class PlatformAddresses
{
    public const string Namespace = "framelease-system";
    const string OperatorAnnotation = "framelease.dev/operator-url";
    const string StoreAnnotation = "framelease.dev/object-store";

    static readonly ResourceRef Namespaces = new("", "v1", "namespaces", "Namespace", Namespaced: false);

    public static async Task<string> FindOperatorAsync(IKubernetesClient client, CancellationToken ct) =>
        await FindAsync(client, OperatorAnnotation, ct)
        ?? throw new CliException(
            $"the operator's address is not known: namespace {Namespace} carries no annotation {OperatorAnnotation}; pass --operator URL, or set FRAMELEASE_OPERATOR");

    /// <summary>Directory of the store.</summary>
    public static async Task<string> FindObjectStoreAsync(IKubernetesClient client, CancellationToken ct)
    {
        var store = await FindAsync(client, StoreAnnotation, ct);
        return store is not null && Uri.TryCreate(store, UriKind.Absolute, out var uri) && uri.IsFile && Directory.Exists(Path.GetDirectoryName(uri.LocalPath.TrimEnd('/')))
            ? uri.LocalPath
            : throw new CliException(
                $"the object store of this cluster ({store ?? "unknown"}) is not a directory of this machine: put the object there with the store's own tools");
    }

    /// <summary>Creates the namespace, or mends its annotations.</summary>
    public static Task PublishAsync(IKubernetesClient client, string operatorUrl, string storeDirectory, CancellationToken ct)
    {
        var annotations = new JsonObject { [OperatorAnnotation] = operatorUrl, [StoreAnnotation] = new Uri(storeDirectory).AbsoluteUri };
        var metadata = new JsonObject { ["name"] = Namespace, ["annotations"] = annotations };
        return client.ApplyAsync(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = metadata }, ct);
    }

    static async Task<string?> FindAsync(IKubernetesClient client, string annotation, CancellationToken ct) =>
        (string?)(await client.FindAsync(Namespaces, Namespace, null, ct))?["metadata"]?["annotations"]?[annotation];
}
