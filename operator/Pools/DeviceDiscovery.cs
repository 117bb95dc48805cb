using System.Text.Json;
using Framelease.Devices;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>
/// The slots of a pool, as its nodes and its spec say: a pure function of what exists. A node that two pools match belongs to none (R1); a
/// device that is cordoned, or that its node calls degraded, keeps its slots and gets no new lease.
/// </summary>
static class DeviceDiscovery
{
    /// <param name="Problems">What is wrong, for people; overlaps begin with <c>Overlapping</c>.</param>
    /// <param name="Unfit">Devices that their nodes call degraded, and why; a cordon does not hide it.</param>
    public sealed record Found(
        IReadOnlyList<SlotSnapshot> Slots, IReadOnlyList<string> Problems, IReadOnlyDictionary<(string Node, string Device), string> Unfit);

    /// <param name="held">Slots of the pool that are not free; needed where the cluster hands out the devices.</param>
    /// <param name="sight">What drivers publish; needed where <see cref="NeedsSight"/> says so.</param>
    public static Found Of(
        GpuPool pool, IEnumerable<GpuPool> pools, IReadOnlyCollection<Node> nodes, string cluster,
        IReadOnlyCollection<SlotSnapshot>? held = null, DraSight? sight = null)
    {
        var dra = sight ?? DraSight.Nothing;
        var (slots, problems) = (new List<SlotSnapshot>(), new List<string>());
        var unfit = new Dictionary<(string, string), string>();
        var others = pools.Where(p => p.Metadata.Name != pool.Metadata.Name && p.Metadata.DeletionTimestamp is null).ToList();
        foreach (var node in nodes.Where(n => Matches(pool, n, dra) || IsLeft(pool, n, held))
            .OrderBy(n => n.Metadata.Name, StringComparer.Ordinal))
        {
            var rivals = others.Where(p => IsRival(pool, p) && Matches(p, node, dra)).Select(p => p.Metadata.Name).ToList();
            if (rivals.Count > 0)
                problems.Add(
                    $"Overlapping: node {node.Metadata.Name} also matches pool {string.Join(", ", rivals)}; its devices belong to none");
            else if (IsPlugin(pool))
            {
                slots.AddRange(PluginDevices.Of(pool.Spec, node, held ?? [], out var problem)
                    .SelectMany(d => SlotsOf(pool, node, d.Device, cluster, d.IsSurplus ? Surplus(pool, node) : null)));
                if (problem is not null)
                    problems.Add(problem);
            }
            else if (pool.Spec.Binding is PoolBinding.DRA)
            {
                foreach (var (device, isOut) in DraDevices.Of(pool.Spec, node, dra, held ?? [], problems))
                {
                    slots.AddRange(SlotsOf(pool, node, device, cluster, isOut));
                    if (UnfitBecause(device) is { } why)
                        unfit[(node.Metadata.Name!, device.Id)] = why;
                }
            }
            else
            {
                var devices = Once(node, DevicesOf(pool, node, problems), problems);
                slots.AddRange(devices.SelectMany(device => SlotsOf(pool, node, device, cluster)));
                foreach (var device in devices)
                {
                    if (UnfitBecause(device) is { } why)
                        unfit[(node.Metadata.Name!, device.Id)] = why;
                }
            }
        }

        problems.AddRange(Unused(pool, nodes, dra));
        return new Found(slots, problems, unfit);
    }

    /// <summary>What drivers publish decides on this pool: its devices are theirs, or it may overlap with such a pool.</summary>
    public static bool NeedsSight(GpuPool pool, IEnumerable<GpuPool> pools, IReadOnlyCollection<Node> nodes) =>
        pool.Spec.Binding is PoolBinding.DRA || pools.Any(p => p.Spec.Binding is PoolBinding.DRA && p.Metadata.DeletionTimestamp is null
            && nodes.Any(n => Selects(pool, n) && Selects(p, n)));

    /// <summary>The cordon that asks holders of this slot to end; null when none does.</summary>
    public static DeviceCordon? DrainOf(GpuPool pool, SlotSnapshot slot) => (pool.Spec.Cordons ?? []).FirstOrDefault(c =>
        c.Drain is true && c.Node == slot.Key.Node && (c.Device is null || c.Device == slot.Key.Device));

    static IEnumerable<SlotSnapshot> SlotsOf(
        GpuPool pool, Node node, NodeDevice device, string cluster, (string State, string Reason)? isOut = null)
    {
        var traits = Traits(pool, node, device, isOut);
        for (var slot = 0; slot < (IsStatic(pool) ? pool.Spec.SlotsPerDevice ?? 1 : 1); slot++)
        {
            yield return new SlotSnapshot(
                new SlotKey(cluster, node.Metadata.Name!, device.Id, slot), pool.Metadata.Name!, SlotState.Free, 0, null, device.Name,
                    device.Kind,
                device.Index)
            {
                Traits = traits,
            };
        }
    }

    static (string, string) Surplus(GpuPool pool, Node node) =>
        ("Surplus", $"node {node.Metadata.Name} has fewer of {PluginDevices.ResourceOf(pool.Spec)} now");

    static DeviceTraits Traits(GpuPool pool, Node node, NodeDevice device, (string State, string Reason)? isOut)
    {
        var (state, reason) = Service(pool, node, device);
        if (state is null && isOut is { } why)
            (state, reason) = why;
        return new DeviceTraits(
            (int)Math.Clamp(device.MemoryMiB, 0, int.MaxValue), pool.Spec.EncodeSessionsPerDevice ?? 0,
                pool.Spec.DecodeSessionsPerDevice ?? 0,
            state, reason);
    }

    static (string? State, string? Reason) Service(GpuPool pool, Node node, NodeDevice device)
    {
        var cordon = (pool.Spec.Cordons ?? []).FirstOrDefault(c => c.Node == node.Metadata.Name
            && (c.Device is null || c.Device == device.Id));
        if (cordon is not null)
            return ("Cordoned", cordon.Reason ?? "spec.cordons");
        if (node.Spec?.Unschedulable is true)
            return ("Cordoned", "the node is cordoned");
        return UnfitBecause(device) is { } unfit ? ("Degraded", unfit) : (null, null);
    }

    static string? UnfitBecause(NodeDevice device) => device.Health is "Degraded" ? device.HealthReason ?? "the node says so" : null;

    static bool IsPlugin(GpuPool pool) => pool.Spec.Binding is PoolBinding.DevicePlugin;

    static bool IsStatic(GpuPool pool) => pool.Spec.Binding is null or PoolBinding.Static;

    // Two resources of one node are two sets of devices, and the plugin's business; and so are devices that a driver tells apart. Whoever
    // goes past the cluster is everybody's rival, and nobody knows which of a plugin's devices are a driver's, too.
    static bool IsRival(GpuPool pool, GpuPool other) => (pool.Spec.Binding, other.Spec.Binding) switch
    {
        (PoolBinding.DevicePlugin, PoolBinding.DevicePlugin) =>
            PluginDevices.ResourceOf(pool.Spec) == PluginDevices.ResourceOf(other.Spec),
        (PoolBinding.DRA, PoolBinding.DRA) => !DraDevices.AreApart(pool.Spec, other.Spec),
        _ => true,
    };

    static bool Matches(GpuPool pool, Node node, DraSight dra) => Selects(pool, node) && pool.Spec.Binding switch
    {
        PoolBinding.DevicePlugin => PluginDevices.Offers(node, PluginDevices.ResourceOf(pool.Spec)),
        PoolBinding.DRA => DraDevices.Offers(pool.Spec, node, dra),
        _ => Publishes(node) || (pool.Spec.Devices ?? []).Any(d => d.Node == node.Metadata.Name),
    };

    // Its driver publishes nothing there now; who holds a slot keeps it, and it is no slot afterwards.
    static bool IsLeft(GpuPool pool, Node node, IReadOnlyCollection<SlotSnapshot>? held) => pool.Spec.Binding is PoolBinding.DRA
        && Selects(pool, node) && held?.Any(s => s.Key.Node == node.Metadata.Name) is true;

    static bool Publishes(Node node) => node.Metadata.Annotations?.ContainsKey(ApiGroup.DevicesAnnotation) is true;

    static bool Selects(GpuPool pool, Node node) =>
        (pool.Spec.NodeSelector ?? new Dictionary<string, string>(StringComparer.Ordinal))
            .All(s => node.Metadata.Labels?.GetValueOrDefault(s.Key) == s.Value);

    // What is listed and not used is told, once a node.
    static IEnumerable<string> Unused(GpuPool pool, IReadOnlyCollection<Node> nodes, DraSight dra)
    {
        if (pool.Spec.Binding is PoolBinding.DRA)
        {
            foreach (var problem in DraDevices.Unused(pool.Spec, dra))
                yield return problem;
        }

        if (!IsStatic(pool))
        {
            if (pool.Spec.Devices?.Count > 0)
                yield return $"spec.devices is not used with binding {pool.Spec.Binding}: nodes say which they have; remove it";
            yield break;
        }

        foreach (var name in (pool.Spec.Devices ?? []).Select(d => d.Node).Distinct(StringComparer.Ordinal))
        {
            var why = nodes.FirstOrDefault(n => n.Metadata.Name == name) switch
            {
                null => "there is no such node",
                { } node when !Selects(pool, node) => "nodeSelector does not match it",
                { } node when Publishes(node) => "it publishes its own devices",
                _ => null,
            };
            if (why is not null)
                yield return $"spec.devices of node {name} are not used: {why}";
        }
    }

    static List<NodeDevice> Once(Node node, IReadOnlyList<NodeDevice> devices, List<string> problems)
    {
        var twice = devices.GroupBy(d => d.Id, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToList();
        if (twice.Count > 0)
            problems.Add($"node {node.Metadata.Name} lists twice: {string.Join(", ", twice)}; the first entry counts");
        return [.. devices.DistinctBy(d => d.Id, StringComparer.Ordinal)];
    }

    static IReadOnlyList<NodeDevice> DevicesOf(GpuPool pool, Node node, List<string> problems)
    {
        if (!Publishes(node))
        {
            return
            [
                .. (pool.Spec.Devices ?? []).Where(d => d.Node == node.Metadata.Name).Select(d => new NodeDevice(
                    d.Id, d.Index, d.Name ?? d.Id, d.MemoryMiB ?? 0, (d.Kind ?? StaticDeviceKind.Gpu).ToString())),
            ];
        }

        try
        {
            return DeviceAnnotation.Parse(node.Metadata.Annotations![ApiGroup.DevicesAnnotation]);
        }
        catch (JsonException e)
        {
            problems.Add($"node {node.Metadata.Name}: annotation {ApiGroup.DevicesAnnotation} is not a list of devices: {e.Message}");
            return [];
        }
    }
}
