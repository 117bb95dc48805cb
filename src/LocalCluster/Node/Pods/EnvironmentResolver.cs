using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;

namespace Framelease.LocalCluster.Node.Pods;

/// <summary>Values for a container's <c>env</c>: literal, from the pod's own fields, from a ConfigMap or a Secret.</summary>
sealed class EnvironmentResolver(IKubernetesClient client)
{
    /// <returns>Name and value in the spec's order; values are not expanded yet. Optional references to nothing are left out.</returns>
    /// <exception cref="ConfigErrorException">A field, map or key does not exist.</exception>
    internal async Task<IReadOnlyList<KeyValuePair<string, string>>> ResolveAsync(Pod pod, Container container, CancellationToken ct)
    {
        var values = new List<KeyValuePair<string, string>>();
        foreach (var variable in container.Env ?? [])
            if (await ValueAsync(pod, variable, ct) is { } value)
                values.Add(new(variable.Name, value));
        return values;
    }

    async Task<string?> ValueAsync(Pod pod, EnvVar variable, CancellationToken ct)
    {
        if (variable.ValueFrom is not { } from)
            return variable.Value ?? "";
        if (from.FieldRef is { } field)
            return Field(pod, field.FieldPath);
        if (from.ConfigMapKeyRef is { } map)
            return await KeyAsync("ConfigMap", map, async name =>
                (await client.FindAsync<ConfigMap>(name, pod.Metadata.Namespace, ct))?.Data?.GetValueOrDefault(map.Key));
        if (from.SecretKeyRef is { } secret)
            return await KeyAsync("Secret", secret, async name =>
                (await client.FindAsync<Secret>(name, pod.Metadata.Namespace, ct))?.Data?.GetValueOrDefault(secret.Key) is { } bytes
                    ? Encoding.UTF8.GetString(bytes) : null);
        throw new ConfigErrorException($"env {variable.Name}: valueFrom must be fieldRef, configMapKeyRef or secretKeyRef on this node");
    }

    static async Task<string?> KeyAsync(string kind, KeySelector selector, Func<string, Task<string?>> find) =>
        await find(selector.Name ?? "") ?? (selector.Optional == true ? null
            : throw new ConfigErrorException($"{kind} \"{selector.Name}\" with key \"{selector.Key}\" does not exist; create it or mark it optional"));

    /// <exception cref="ConfigErrorException">Not a field that a pod can ask for.</exception>
    internal static string Field(Pod pod, string path) => path switch
    {
        "metadata.name" => pod.Metadata.Name ?? "",
        "metadata.namespace" => pod.Metadata.Namespace ?? "",
        "metadata.uid" => pod.Metadata.Uid ?? "",
        "spec.nodeName" => pod.Spec?.NodeName ?? "",
        "spec.serviceAccountName" => pod.Spec?.ServiceAccountName ?? "default",
        "status.podIP" or "status.podIPs" or "status.hostIP" or "status.hostIPs" => "127.0.0.1",
        _ when Subscript(path, "metadata.labels") is { } label => pod.Metadata.Labels?.GetValueOrDefault(label) ?? "",
        _ when Subscript(path, "metadata.annotations") is { } annotation => pod.Metadata.Annotations?.GetValueOrDefault(annotation) ?? "",
        _ => throw new ConfigErrorException(
            $"fieldPath \"{path}\" is not supported; use metadata.{{name,namespace,uid,labels['…'],annotations['…']}}, " +
            "spec.{nodeName,serviceAccountName} or status.{podIP,hostIP}"),
    };

    static string? Subscript(string path, string prefix) =>
        path.StartsWith(prefix + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal)
            ? path[(prefix.Length + 2)..^2] : null;
}
