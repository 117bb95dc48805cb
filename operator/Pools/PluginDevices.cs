using System.Globalization;
using Framelease.Devices;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>
/// Slots of a node whose kubelet hands out the devices (binding DevicePlugin): as many as <c>status.allocatable</c> has of the pool's
/// resource. A slot is a piece of that number, no card: which card it is, is told at the attach. A pure function of the node, and of who
/// holds what on it.
/// </summary>
static class PluginDevices
{
    public const string DefaultResource = "nvidia.com/gpu";

    const string SharedSuffix = ".shared";

    /// <summary>More than any node has: what is above is a mistake.</summary>
    const int MostOfNode = 1024;

    /// <returns>Null for a pool of another binding.</returns>
    public static DevicePluginTerms? TermsOf(GpuPoolSpec pool) => pool.Binding is PoolBinding.DevicePlugin
        ? new DevicePluginTerms(ResourceOf(pool), pool.Shared ?? ResourceOf(pool).EndsWith(SharedSuffix, StringComparison.Ordinal)) : null;

    public static string ResourceOf(GpuPoolSpec pool) => pool.ResourceName ?? DefaultResource;

    /// <summary>The node's kubelet knows the resource, even if there is none of it now.</summary>
    public static bool Offers(Node node, string resource) => node.Status?.Allocatable?.ContainsKey(resource) is true;

    /// <summary>
    /// Ids tell node, resource and number: unique in the cluster, because a device's history has its id as name; and without a slash,
    /// because it is a part of a path.
    /// </summary>
    public static string IdOf(Node node, string resource, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{resource.Replace('/', '.')}-{number}@{node.Metadata.Name}");

    /// <param name="held">Slots of the pool that are not free, on any node.</param>
    /// <param name="problem">Why the node's devices are not used; null when they are.</param>
    /// <returns>
    /// Devices in service, and those that are more than the node has now. As many are in service as the node has: the held ones before all
    /// (their pods count at the kubelet), then those of the lowest numbers. A held one beyond that number keeps its slot and gets no new
    /// lease; a free one beyond it is no slot.
    /// </returns>
    public static IReadOnlyList<(NodeDevice Device, bool IsSurplus)> Of(
        GpuPoolSpec pool, Node node, IEnumerable<SlotSnapshot> held, out string? problem)
    {
        var terms = TermsOf(pool)!;
        problem = Complaint(node, terms);
        var most = problem is null ? CountOf(node, terms.Resource) : 0;
        var taken = Numbers(node, terms.Resource, held);
        var free = Enumerable.Range(0, most).Where(n => !taken.Contains(n)).Take(Math.Max(0, most - taken.Count));
        return
        [
            .. taken.Select((n, at) => (DeviceOf(pool, node, terms, n), at >= most))
                .Concat(free.Select(n => (DeviceOf(pool, node, terms, n), false))).OrderBy(d => d.Item1.Index),
        ];
    }

    static int CountOf(Node node, string resource) =>
        Quantity.TryParse(node.Status?.Allocatable?.GetValueOrDefault(resource), out var count)
            ? (int)Math.Clamp(Math.Floor(count), 0, MostOfNode) : 0;

    static SortedSet<int> Numbers(Node node, string resource, IEnumerable<SlotSnapshot> held) =>
    [
        .. held.Where(s => s.Key.Node == node.Metadata.Name && s.Key.Device == IdOf(node, resource, s.DeviceIndex))
            .Select(s => s.DeviceIndex),
    ];

    static NodeDevice DeviceOf(GpuPoolSpec pool, Node node, DevicePluginTerms terms, int number) => new(
        IdOf(node, terms.Resource, number), number, Label(node, terms.Resource, "product") ?? terms.Resource,
        Memory(node, terms) ?? pool.MemoryMiBPerDevice ?? 0, "Gpu");

    // The label tells of the whole card: whoever shares it gets a part.
    static long? Memory(Node node, DevicePluginTerms terms) =>
        Number(Label(node, terms.Resource, "memory")) is { } whole and > 0
            ? whole / (terms.Shared ? Replicas(node, terms.Resource) : 1) : null;

    static long Replicas(Node node, string resource) => Math.Max(1, Number(Label(node, resource, "replicas")) ?? 1);

    static string? Complaint(Node node, DevicePluginTerms terms) =>
        !terms.Shared && Replicas(node, terms.Resource) is var replicas and > 1
            ? $"DevicesShared: node {node.Metadata.Name} shares each {terms.Resource} among {replicas} (label {terms.Resource}.replicas), "
                + "and the pool says that they are not shared: set spec.shared to true, or select other nodes; its devices are not used"
            : null;

    // As GPU feature discovery has them: after the resource, without the suffix of what is shared.
    static string? Label(Node node, string resource, string what) => node.Metadata.Labels?.GetValueOrDefault(
        $"{(resource.EndsWith(SharedSuffix, StringComparison.Ordinal) ? resource[..^SharedSuffix.Length] : resource)}.{what}");

    static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
        ? Math.Min(n, int.MaxValue) : null;
}
