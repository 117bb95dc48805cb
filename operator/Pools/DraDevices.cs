using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Framelease.Devices;
using Framelease.Domain.Leasing;
using Framelease.Kubernetes.Models;
using Framelease.Resources;

namespace Framelease.Operator.Pools;

/// <summary>
/// Slots of a node whose devices a driver publishes in ResourceSlices (binding DRA): a slot is one device, by the attribute that names it
/// for good. A pure function of the slices, of the claims of others, and of who holds what.
/// </summary>
static class DraDevices
{
    public const string DefaultDriver = "gpu.nvidia.com";
    const string DefaultClass = "gpu.nvidia.com";
    const string DefaultAttribute = "uuid";
    const int LongestId = 64;
    const int MostNames = 8;
    const int MostOfNode = 1024;
    const decimal MiB = 1024 * 1024;

    // What these classes of NVIDIA's driver admit: of devices that a class refuses, no claim would ever get one.
    static readonly Dictionary<string, string> TypeOfClass =
        new(StringComparer.Ordinal) { ["gpu.nvidia.com"] = "gpu", ["mig.nvidia.com"] = "mig" };

    /// <returns>Null for a pool of another binding.</returns>
    public static DraTerms? TermsOf(GpuPoolSpec pool) =>
        pool.Binding is PoolBinding.DRA ? new DraTerms(ClassOf(pool), DriverOf(pool), pool.IdAttribute ?? DefaultAttribute) : null;

    public static string DriverOf(GpuPoolSpec pool) => pool.Driver ?? DefaultDriver;

    public static string ClassOf(GpuPoolSpec pool) => pool.DeviceClassName ?? DefaultClass;

    /// <summary>Ids come from objects on the cluster into expressions, paths and environments: only what harms none of them.</summary>
    public static bool IsId([NotNullWhen(true)] string? id) => id is { Length: > 0 and <= LongestId } && char.IsAsciiLetterOrDigit(id[0])
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':');

    /// <summary>Its driver publishes devices of this node.</summary>
    public static bool Offers(GpuPoolSpec pool, Node node, DraSight sight) =>
        sight.Slices.Any(s => s.Spec.Driver == DriverOf(pool) && s.Spec.NodeName == node.Metadata.Name);

    /// <summary>No device can be of both pools: of another driver, or they name an attribute with different values.</summary>
    public static bool AreApart(GpuPoolSpec pool, GpuPoolSpec other) => DriverOf(pool) != DriverOf(other)
        || Wanted(pool).Any(w => Wanted(other).TryGetValue(w.Key, out var value) && value != w.Value);

    /// <param name="Out">Why it gets no new lease, and the reason; null when it may.</param>
    public sealed record Found(NodeDevice Device, (string State, string Reason)? Out);

    /// <param name="held">Slots of the pool that are not free, on any node.</param>
    /// <param name="problems">What is not used, and why, is added to them.</param>
    /// <returns>Each device once; and those that are held and that no slice lists any more, which keep their slots.</returns>
    public static IReadOnlyList<Found> Of(
        GpuPoolSpec pool, Node node, DraSight sight, IEnumerable<SlotSnapshot> held, List<string> problems)
    {
        var terms = TermsOf(pool)!;
        var complaints = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        var found = new Dictionary<string, Found>(StringComparer.Ordinal);
        foreach (var (slice, device) in Newest(terms.Driver, node, sight, problems)
            .SelectMany(s => (s.Spec.Devices ?? []).Select(d => (s, d))).Where(d => IsWanted(pool, d.d))
            .OrderBy(d => d.d.Name, StringComparer.Ordinal).ThenBy(d => d.s.Spec.Pool.Name, StringComparer.Ordinal).Take(MostOfNode))
        {
            var id = Attribute(terms.Driver, device, terms.IdAttribute)?.String;
            var why = WhyNot(terms, device, id)
                ?? (found.ContainsKey(id!) ? $"have the {terms.IdAttribute} of another device there" : null);
            if (why is not null)
            {
                if (!complaints.TryGetValue(why, out var names))
                    complaints[why] = names = [];
                names.Add(device.Name);
                continue;
            }

            found[id!] = new Found(DeviceOf(pool, terms, device, id!, found.Count), TakenBy(terms.Driver, slice, device, sight));
        }

        problems.AddRange(complaints.Select(c =>
            $"DevicesNotUsed: node {node.Metadata.Name}: {Names(c.Value)} of driver {terms.Driver} {c.Key}; not used"));
        var gone = held.Where(s => s.Key.Node == node.Metadata.Name && !found.ContainsKey(s.Key.Device)).DistinctBy(s => s.Key.Device)
            .Select(s => new Found(
                new NodeDevice(s.Key.Device, s.DeviceIndex, s.DeviceName, s.Traits.MemoryMiB, s.DeviceKind),
                ("Surplus", $"no usable device of driver {terms.Driver} has this {terms.IdAttribute} now")));
        return [.. found.Values, .. gone];
    }

    /// <returns>Slices of the driver that belong to no single node, and are for nobody here.</returns>
    public static IEnumerable<string> Unused(GpuPoolSpec pool, DraSight sight)
    {
        var roaming = sight.Slices.Where(s => s.Spec.Driver == DriverOf(pool) && string.IsNullOrEmpty(s.Spec.NodeName))
            .Select(s => s.Metadata.Name!).Order(StringComparer.Ordinal).ToList();
        if (roaming.Count > 0)
        {
            yield return $"DevicesNotUsed: ResourceSlice {Names(roaming)} of driver {DriverOf(pool)} names no node (spec.nodeName): a "
                + "lease is on a node; not used";
        }
    }

    // A driver that changes its devices raises the generation, and its pool is whole when all slices of that generation are there.
    static List<ResourceSlice> Newest(string driver, Node node, DraSight sight, List<string> problems)
    {
        var usable = new List<ResourceSlice>();
        foreach (var pool in sight.Slices.Where(s => s.Spec.Driver == driver).GroupBy(s => s.Spec.Pool.Name, StringComparer.Ordinal)
            .Where(p => p.Any(s => s.Spec.NodeName == node.Metadata.Name)).OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var generation = pool.Max(s => s.Spec.Pool.Generation);
            var newest = pool.Where(s => s.Spec.Pool.Generation == generation).ToList();
            var most = newest.Max(s => s.Spec.Pool.ResourceSliceCount);
            if (newest.Count != most || newest.Exists(s => s.Spec.Pool.ResourceSliceCount != most))
            {
                problems.Add(
                    $"SlicesIncomplete: node {node.Metadata.Name}: pool {pool.Key} of driver {driver}, generation {generation}, has "
                    + $"{newest.Count} of {most} ResourceSlices; its devices are not used until its driver has published all");
                continue;
            }

            usable.AddRange(newest.Where(s => s.Spec.NodeName == node.Metadata.Name));
        }

        return usable;
    }

    static string? WhyNot(DraTerms terms, SliceDevice device, string? id) =>
        device.ConsumesCounters?.Count > 0 ? "take parts of what other devices take, too (consumesCounters), and are never sure to be free"
        : device.AllowMultipleAllocations is true ? "may be allocated to several claims at a time (allowMultipleAllocations)"
        : id is null ? $"have no string attribute {terms.IdAttribute} (spec.idAttribute)"
        : !IsId(id) ? $"have an attribute {terms.IdAttribute} that is no id: allowed are 1 to {LongestId} letters, digits, and - _ . : "
            + "after the first"
        : null;

    static NodeDevice DeviceOf(GpuPoolSpec pool, DraTerms terms, SliceDevice device, string id, int number)
    {
        var taint = device.Taints?.FirstOrDefault(t => t.Effect is "NoSchedule" or "NoExecute");
        var index = Attribute(terms.Driver, device, "index")?.Int ?? Attribute(terms.Driver, device, "minor")?.Int ?? number;
        return new NodeDevice(
            id, (int)Math.Clamp(index, 0, MostOfNode), Attribute(terms.Driver, device, "productName")?.String ?? device.Name,
            Memory(terms.Driver, device) ?? pool.MemoryMiBPerDevice ?? 0, "Gpu", taint is null ? null : "Degraded",
            taint is null ? null : $"its ResourceSlice has the taint {taint.Key}{(taint.Value is { } v ? $"={v}" : "")}:{taint.Effect}");
    }

    static long? Memory(string driver, SliceDevice device) =>
        Quantity.TryParse(Of(driver, device.Capacity, "memory")?.Value, out var bytes) && bytes > 0
            ? (long)Math.Min(bytes / MiB, int.MaxValue) : null;

    // The scheduler gives nobody a device that is another claim's: whoever were granted it would wait for that claim's end.
    static (string, string)? TakenBy(string driver, ResourceSlice slice, SliceDevice device, DraSight sight) =>
        sight.TakenBy.TryGetValue((driver, slice.Spec.Pool.Name, device.Name), out var claim) ? ("Taken", $"ResourceClaim {claim}") : null;

    static bool IsWanted(GpuPoolSpec pool, SliceDevice device) =>
        Wanted(pool).All(w => Text(Attribute(DriverOf(pool), device, w.Key)) == w.Value);

    static IReadOnlyDictionary<string, string> Wanted(GpuPoolSpec pool) => pool.DeviceAttributes
        ?? (DriverOf(pool) == DefaultDriver && TypeOfClass.TryGetValue(ClassOf(pool), out var type)
            ? new Dictionary<string, string>(StringComparer.Ordinal) { ["type"] = type } : new(StringComparer.Ordinal));

    static DeviceAttribute? Attribute(string driver, SliceDevice device, string name) => Of(driver, device.Attributes, name);

    // Names without a domain are of the driver's, in a slice and in our spec.
    static T? Of<T>(string driver, IReadOnlyDictionary<string, T>? named, string name)
        where T : class
    {
        var own = name.StartsWith(driver + "/", StringComparison.Ordinal) ? name[(driver.Length + 1)..] : name;
        return named?.GetValueOrDefault(own)
            ?? (own.Contains('/', StringComparison.Ordinal) ? null : named?.GetValueOrDefault($"{driver}/{own}"));
    }

    static string? Text(DeviceAttribute? attribute) => attribute switch
    {
        { String: { } text } => text,
        { Version: { } version } => version,
        { Bool: { } yes } => yes ? "true" : "false",
        { Int: { } number } => number.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    static string Names(List<string> names) =>
        string.Join(", ", names.Take(MostNames)) + (names.Count > MostNames ? $" and {names.Count - MostNames} more" : "");
}
