using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Framelease.LocalCluster.Node.Devices;

/// <summary>A device as the node publishes it in its annotation <c>framelease.dev/devices</c>.</summary>
/// <param name="Id">The GPU's UUID, or <c>sw-{node}-{index}</c> for a software slot: the same after every restart.</param>
/// <param name="MemoryMiB">0 for software slots.</param>
/// <param name="Kind"><c>Gpu</c> or <c>Software</c>.</param>
sealed record NodeDevice(string Id, int Index, string Name, long MemoryMiB, string Kind);

/// <summary>The devices of this machine.</summary>
sealed record DeviceInventory(IReadOnlyList<NodeDevice> Devices)
{
    internal const string Annotation = "framelease.dev/devices";

    internal const string GpuResource = "nvidia.com/gpu", SoftwareResource = "framelease.dev/software-gpu";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    internal string Resource => Devices.Any(device => device.Kind == "Gpu") ? GpuResource : SoftwareResource;

    internal string ToJson() => JsonSerializer.Serialize(Devices, Json);

    /// <summary>What nvidia-smi lists; where there is none, or it lists nothing, <paramref name="softwareSlots"/> slots without hardware.</summary>
    internal static async Task<DeviceInventory> DiscoverAsync(string node, int softwareSlots, TimeProvider time, CancellationToken ct)
    {
        var gpus = await ListGpusAsync(time, ct) is { } text ? Parse(text) : [];
        return new DeviceInventory(gpus.Count > 0 ? gpus : Software(node, softwareSlots));
    }

    internal static List<NodeDevice> Software(string node, int slots) =>
        [.. Enumerable.Range(0, slots).Select(index => new NodeDevice($"sw-{node}-{index}", index, "software slot", 0, "Software"))];

    /// <summary>Lines of <c>uuid, index, name, memory in MiB</c>; others are skipped (nvidia-smi prints notices between them).</summary>
    internal static List<NodeDevice> Parse(string text)
    {
        var devices = new List<NodeDevice>();
        foreach (var line in text.Split('\n'))
            if (line.Split(',', StringSplitOptions.TrimEntries) is [var uuid, var index, var name, var memory] &&
                uuid.StartsWith("GPU-", StringComparison.Ordinal) && int.TryParse(index, out var number))
                devices.Add(new NodeDevice(uuid, number, name, long.TryParse(memory, out var mib) ? mib : 0, "Gpu"));
        devices.Sort((a, b) => a.Index.CompareTo(b.Index));
        return devices;
    }

    static async Task<string?> ListGpusAsync(TimeProvider time, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15), time); // a first call loads the driver
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            using var process = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=uuid,index,name,memory.total", "--format=csv,noheader,nounits"])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
            });
            if (process is null)
                return null;
            try
            {
                var errors = process.StandardError.ReadToEndAsync(both.Token);
                var output = await process.StandardOutput.ReadToEndAsync(both.Token);
                _ = await errors;
                await process.WaitForExitAsync(both.Token);
                return process.ExitCode == 0 ? output : null;
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                process.Kill();
                return null;
            }
        }
        catch (Win32Exception)
        {
            return null; // not installed
        }
    }
}
