using System.Text.Json.Nodes;
using Framelease.Devices;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Devices;
using Microsoft.Extensions.Logging;
using KubernetesNode = Framelease.Kubernetes.Models.Node;

namespace Framelease.LocalCluster.Node.Registration;

/// <summary>Keeps the Node object and its Lease: made when missing, mended when changed, renewed every ten seconds as a kubelet does.</summary>
sealed class NodeRegistration(string nodeName, DeviceInventory devices, IKubernetesClient client, TimeProvider time, ILogger logger)
{
    const string LeaseNamespace = "kube-node-lease";
    const int LeaseSeconds = 40;
    static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10), StatusEvery = TimeSpan.FromMinutes(5), RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Runs until cancelled; an API server that is away is waited for.</summary>
    internal async Task RunAsync(CancellationToken ct)
    {
        long? reported = null;
        while (true)
        {
            var pause = RenewEvery;
            try
            {
                if (reported is not { } at || time.GetElapsedTime(at) >= StatusEvery || !await ExistsAsync(ct))
                {
                    await ReportAsync(ct);
                    reported = time.GetTimestamp();
                }
                await RenewAsync(ct);
            }
            catch (KubernetesException e)
            {
                Log.NotRegistered(logger, nodeName, e.Message);
                reported = null;
                pause = RetryAfter;
            }
            await Task.Delay(pause, time, ct);
        }
    }

    async Task<bool> ExistsAsync(CancellationToken ct) => await client.FindAsync<KubernetesNode>(nodeName, ct: ct) is not null;

    async Task ReportAsync(CancellationToken ct)
    {
        var labels = NodeFacts.Labels(nodeName);
        var annotations = new Dictionary<string, string> { [DeviceAnnotation.Name] = devices.ToJson() };
        var node = await client.FindAsync<KubernetesNode>(nodeName, ct: ct);
        if (node is null)
        {
            node = await client.CreateAsync(
                new KubernetesNode { Metadata = new() { Name = nodeName, Labels = labels, Annotations = annotations }, Spec = new() }, ct);
            Log.Registered(logger, nodeName, devices.Devices.Count, devices.Resource);
        }
        else if (!Holds(node.Metadata.Labels, labels) || !Holds(node.Metadata.Annotations, annotations))
        {
            var metadata = new JsonObject { ["labels"] = Object(labels), ["annotations"] = Object(annotations) };
            node = await client.PatchAsync<KubernetesNode>(nodeName, null, Patch.Merge(new JsonObject { ["metadata"] = metadata }), ct: ct);
        }
        await client.PatchStatusAsync(node, node with { Status = NodeFacts.Status(devices, node.Status, time.GetUtcNow()) }, ct: ct);
    }

    async Task RenewAsync(CancellationToken ct)
    {
        var now = time.GetUtcNow();
        if (await client.FindAsync<Lease>(nodeName, LeaseNamespace, ct) is { } lease)
        {
            await client.PatchAsync<Lease>(nodeName, LeaseNamespace,
                Patch.Between(lease, lease with { Spec = (lease.Spec ?? new()) with { HolderIdentity = nodeName, RenewTime = now, LeaseDurationSeconds = LeaseSeconds } }, client.Json)!, ct: ct);
            return;
        }
        if (await client.FindAsync<Namespace>(LeaseNamespace, ct: ct) is null)
            await client.CreateAsync(new Namespace { Metadata = new() { Name = LeaseNamespace } }, ct);
        await client.CreateAsync(new Lease
        {
            Metadata = new() { Name = nodeName, Namespace = LeaseNamespace },
            Spec = new() { HolderIdentity = nodeName, AcquireTime = now, RenewTime = now, LeaseDurationSeconds = LeaseSeconds },
        }, ct);
    }

    static JsonObject Object(Dictionary<string, string> pairs) => new(pairs.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));

    static bool Holds(IReadOnlyDictionary<string, string>? present, Dictionary<string, string> wanted) =>
        wanted.All(pair => present?.GetValueOrDefault(pair.Key) == pair.Value);
}
