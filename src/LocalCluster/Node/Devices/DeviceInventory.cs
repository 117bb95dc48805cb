using Framelease.Devices;

namespace Framelease.LocalCluster.Node.Devices;

/// <summary>The devices of this machine.</summary>
sealed record DeviceInventory(IReadOnlyList<NodeDevice> Devices)
{
    internal const string GpuResource = "nvidia.com/gpu", SoftwareResource = "framelease.dev/software-gpu";

    /// <summary>A first call loads the driver.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    internal string Resource => Devices.Any(device => device.Kind == "Gpu") ? GpuResource : SoftwareResource;

    internal string ToJson() => DeviceAnnotation.Write(Devices);

    /// <summary>What nvidia-smi lists; where there is none, or it lists nothing, <paramref name="softwareSlots"/> slots without hardware.</summary>
    internal static async Task<DeviceInventory> DiscoverAsync(string node, int softwareSlots, TimeProvider time, CancellationToken ct)
    {
        var gpus = await new NvidiaSmi(time, within: Patience).ListAsync(ct) ?? [];
        return new DeviceInventory(gpus.Count > 0 ? gpus : Software(node, softwareSlots));
    }

    /// <summary>Ids are <c>sw-{node}-{index}</c>: the same after every restart.</summary>
    internal static IReadOnlyList<NodeDevice> Software(string node, int slots) =>
        [.. Enumerable.Range(0, slots).Select(index => new NodeDevice($"sw-{node}-{index}", index, "software slot", 0, "Software"))];
}
