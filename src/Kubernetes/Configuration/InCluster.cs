// The service account that the kubelet mounts into every pod.
using Framelease.Kubernetes.Client;

namespace Framelease.Kubernetes.Configuration;

/// <summary>Configuration of a pod. The token is rotated under us and read again.</summary>
public static class InCluster
{
    public const string Folder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Null outside a pod (KUBERNETES_SERVICE_HOST is not set).</summary>
    /// <exception cref="KubeConfigException">Inside a pod, but without a mounted service account.</exception>
    public static KubernetesClientOptions? TryLoad(Func<string, string?> environment, string folder = Folder)
    {
        if (environment("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } host)
            return null;
        var port = environment("KUBERNETES_SERVICE_PORT_HTTPS") ?? environment("KUBERNETES_SERVICE_PORT") ?? "443";
        if (host.Contains(':', StringComparison.Ordinal))
            host = $"[{host}]";
        if (!Uri.TryCreate($"https://{host}:{port}", UriKind.Absolute, out var server))
            throw new KubeConfigException($"KUBERNETES_SERVICE_HOST={host} and KUBERNETES_SERVICE_PORT={port} are not an address");
        var token = Path.Combine(folder, "token");
        if (!File.Exists(token))
        {
            throw new KubeConfigException(
                $"{token} does not exist: this pod has no service account token; set automountServiceAccountToken: true, or pass a kubeconfig");
        }

        var authority = Path.Combine(folder, "ca.crt");
        var ns = Path.Combine(folder, "namespace");
        return new()
        {
            Server = server,
            TokenFile = token,
            CertificateAuthorityFile = File.Exists(authority) ? authority : null,
            Namespace = File.Exists(ns) && File.ReadAllText(ns).Trim() is { Length: > 0 } name ? name : "default",
        };
    }
}
