using System.Text.Json;
using System.Text.Json.Serialization;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Dispatch;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Operator.Status;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>Finds a pool's devices on its nodes, makes their slots known, and shows who holds them.</summary>
sealed class GpuPoolReconciler(
    ILedger ledger, IKubernetesClient kubernetes, PlatformStores stores, DispatcherSet dispatchers, ClusterIdentity cluster, Leader leader) : IReconciler
{
    static readonly TimeSpan Refresh = TimeSpan.FromSeconds(30);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (stores.Pools.Find(key) is not { } pool || pool.Metadata.DeletionTimestamp is not null)
            return ReconcileResult.Done;
        var name = pool.Metadata.Name!;
        var problems = new List<string>();
        var found = Discover(pool, problems);
        await ledger.SyncDevicesAsync(name, found, leader.Epoch, cancel);
        dispatchers.Wake(name);
        await WriteStatusAsync(pool, problems, cancel);
        return ReconcileResult.After(Refresh);
    }

    // A device that two pools match belongs to none (R1).
    List<SlotSnapshot> Discover(GpuPool pool, List<string> problems)
    {
        var found = new List<SlotSnapshot>();
        foreach (var node in stores.Nodes.List().Where(n => Matches(pool, n)).OrderBy(n => n.Metadata.Name, StringComparer.Ordinal))
        {
            var others = stores.Pools.List().Where(p => p.Metadata.Name != pool.Metadata.Name && p.Metadata.DeletionTimestamp is null && Matches(p, node)).ToList();
            if (others.Count > 0)
            {
                problems.Add($"Overlapping: node {node.Metadata.Name} also matches pool {string.Join(", ", others.Select(p => p.Metadata.Name))}; its devices belong to none");
                continue;
            }

            foreach (var device in DevicesOf(node, problems))
            {
                for (var slot = 0; slot < (pool.Spec.SlotsPerDevice ?? 1); slot++)
                {
                    found.Add(new SlotSnapshot(
                        new SlotKey(cluster.Uid, node.Metadata.Name!, device.Id, slot), pool.Metadata.Name!, SlotState.Free, 0, null,
                        device.Name, device.Kind, device.Index));
                }
            }
        }

        return found;
    }

    static bool Matches(GpuPool pool, Node node) =>
        node.Metadata.Annotations?.ContainsKey(ApiGroup.DevicesAnnotation) is true
        && (pool.Spec.NodeSelector ?? new Dictionary<string, string>(StringComparer.Ordinal)).All(s => node.Metadata.Labels?.GetValueOrDefault(s.Key) == s.Value);

    static IReadOnlyList<NodeDevice> DevicesOf(Node node, List<string> problems)
    {
        try
        {
            return JsonSerializer.Deserialize(node.Metadata.Annotations![ApiGroup.DevicesAnnotation], NodeDeviceJson.Default.IReadOnlyListNodeDevice) ?? [];
        }
        catch (JsonException e)
        {
            problems.Add($"node {node.Metadata.Name}: annotation {ApiGroup.DevicesAnnotation} is not a list of devices: {e.Message}");
            return [];
        }
    }

    async Task WriteStatusAsync(GpuPool pool, List<string> problems, CancellationToken cancel)
    {
        var snapshot = await ledger.ReadPoolAsync(pool.Metadata.Name!, cancel);
        var conditions = new ConditionSet(pool.Status?.Conditions, pool.Metadata.Generation, snapshot.DatabaseNow);
        if (problems.Count > 0)
            conditions.False("Ready", problems[0].StartsWith("Overlapping", StringComparison.Ordinal) ? "Overlapping" : "DevicesUnreadable", string.Join("; ", problems));
        else if (snapshot.Slots.Count == 0)
            conditions.False("Ready", "NoDevices", "no node matches nodeSelector and publishes devices");
        else
            conditions.True("Ready", "Ready", $"{snapshot.Slots.Count} slots");
        var status = new GpuPoolStatus
        {
            ObservedGeneration = pool.Metadata.Generation,
            Conditions = conditions.ToList(),
            Slots = snapshot.Slots.Count,
            FreeSlots = snapshot.Slots.Count(s => s.State is SlotState.Free),
            QueueLength = snapshot.Waiting.Count,
            Devices = [.. snapshot.Slots.Select(s => new SlotStatus
            {
                Node = s.Key.Node,
                Device = s.Key.Device,
                Slot = s.Key.Slot,
                Name = s.DeviceName,
                State = s.State.ToString(),
                Holder = s.LeaseUid is { } uid && stores.Leases.List().FirstOrDefault(l => l.Metadata.Uid == uid) is { } lease
                    ? $"{lease.Metadata.Namespace}/{lease.Metadata.Name}"
                    : s.LeaseUid,
                Token = s.Token,
            })],
        };
        try
        {
            await kubernetes.PatchStatusAsync(pool, pool with { Status = status }, ct: cancel);
        }
        catch (KubernetesException e) when (e.IsNotFound)
        {
            // Deleted in between.
        }
    }
}

/// <summary>A device as a node agent publishes it.</summary>
/// <param name="Kind"><c>Gpu</c> or <c>Software</c>.</param>
sealed record NodeDevice(string Id, int Index, string Name, long MemoryMiB, string Kind);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IReadOnlyList<NodeDevice>))]
sealed partial class NodeDeviceJson : JsonSerializerContext;

/// <summary>UID of the cluster: that of namespace kube-system. Part of every slot's key, so that two clusters never share one by accident.</summary>
sealed record ClusterIdentity(string Uid);
