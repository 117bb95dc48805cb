using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.Cli.Connecting;

/// <summary>Where the operator's HTTP API is, written into the cluster by whoever installs it, so that a kubeconfig is all that a user needs.</summary>
static class OperatorAddress
{
    public const string Namespace = "framelease-system";
    public const string Annotation = "framelease.dev/operator-url";

    static readonly ResourceRef Namespaces = new("", "v1", "namespaces", "Namespace", Namespaced: false);

    public static async Task<string> FindAsync(IKubernetesClient client, CancellationToken ct)
    {
        var found = await client.FindAsync<JsonObject>(Namespaces, Namespace, null, ct);
        return (string?)found?["metadata"]?["annotations"]?[Annotation]
            ?? throw new CliException(
                $"the operator's address is not known: namespace {Namespace} carries no annotation {Annotation}; pass --operator URL, or set FRAMELEASE_OPERATOR");
    }

    /// <summary>Creates the namespace, or mends its annotation.</summary>
    public static Task PublishAsync(IKubernetesClient client, string url, CancellationToken ct) => client.ApplyAsync(
        new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = nameof(Kubernetes.Models.Namespace),
            ["metadata"] = new JsonObject { ["name"] = Namespace, ["annotations"] = new JsonObject { [Annotation] = url } },
        },
        ct);
}
