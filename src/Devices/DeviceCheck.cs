using System.Globalization;

namespace Framelease.Devices;

/// <summary>
/// Looks whether a device is clean: no process on it but its holder's own, and no more memory in use than the driver's own. What the holder
/// itself left behind is ended; what is foreign never is. A dirty device is looked at again after a while, because others clean up, too.
/// </summary>
/// <param name="own">Which processes are the holder's.</param>
public sealed class DeviceCheck(IDeviceReader reader, IOwnProcesses own, TimeProvider time)
{
    const int MostNamed = 3;
    const int LongestName = 64;

    /// <summary>A process that has just ended still shows for a moment.</summary>
    static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    // They belong to the driver, and serve whoever holds the device.
    static readonly string[] OfTheDriver = ["nvidia-cuda-mps-server", "nvidia-cuda-mps-control", "nvidia-persistenced"];

    /// <param name="device">An NVIDIA UUID.</param>
    /// <param name="bounds">What counts as clean, and how often to try.</param>
    /// <param name="notYet">Told of each try but the last that found it dirty, with its number.</param>
    /// <returns>Null when the device cannot be looked at.</returns>
    public async Task<DeviceFinding?> RunAsync(
        string device, CheckBounds bounds, Action<DeviceFinding> notYet, CancellationToken cancellation)
    {
        DeviceFinding? last = null;
        for (var tries = 1; ; tries++)
        {
            if (await TryAsync(device, bounds, tries, cancellation) is not { } found)
                return last;
            if (found.IsClean || tries >= bounds.Tries)
                return found;
            notYet(found);
            last = found;
            await Task.Delay(bounds.Pause, time, cancellation);
        }
    }

    async Task<DeviceFinding?> TryAsync(string device, CheckBounds bounds, int tries, CancellationToken cancellation)
    {
        var first = await LookAsync(device, bounds, tries, cancellation);
        if (first is not { Finding.IsClean: false })
            return first?.Finding;
        foreach (var pid in first.Own)
            own.End(pid);
        await Task.Delay(Settle, time, cancellation);
        return (await LookAsync(device, bounds, tries, cancellation) ?? first).Finding;
    }

    async Task<Look?> LookAsync(string device, CheckBounds bounds, int tries, CancellationToken cancellation)
    {
        var reading = await reader.ReadAsync(device, cancellation);
        var processes = await reader.ProcessesAsync(device, cancellation);
        if (reading is null && processes is null)
            return null;
        var others = (processes ?? []).Where(p => !own.IsSelf(p.Pid) && !OfTheDriver.Contains(Path.GetFileName(p.Name))).ToList();
        var left = others.Where(p => own.IsOurs(p.Pid)).ToList();
        var foreign = others.Except(left).ToList();
        var found = Describe(foreign, left, reading?.MemoryUsedMiB, bounds.ResidualMemoryMiB);
        return new Look(
            new DeviceFinding(found is null, tries, reading?.MemoryUsedMiB, reading?.UtilisationPercent, foreign.Count, found),
            [.. left.Select(p => p.Pid)]);
    }

    static string? Describe(List<DeviceProcess> foreign, List<DeviceProcess> left, long? usedMiB, int residualMiB)
    {
        var parts = new List<string>();
        if (foreign.Count > 0)
            parts.Add($"foreign {Names(foreign)}");
        if (left.Count > 0)
            parts.Add($"left behind {Names(left)}");
        if (usedMiB > residualMiB)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{usedMiB} MiB in use, allowed are {residualMiB}"));
        return parts.Count == 0 ? null : string.Join("; ", parts);
    }

    static string Names(List<DeviceProcess> processes) =>
        string.Join(", ", processes.Take(MostNamed).Select(Name))
        + (processes.Count > MostNamed ? $" and {processes.Count - MostNamed} more" : "");

    static string Name(DeviceProcess p)
    {
        var name = new string([.. Path.GetFileName(p.Name).Where(c => !char.IsControl(c)).Take(LongestName)]);
        var memory = p.MemoryMiB is { } mib ? string.Create(CultureInfo.InvariantCulture, $", {mib} MiB") : "";
        return string.Create(CultureInfo.InvariantCulture, $"process {p.Pid} ({name}{memory})");
    }

    sealed record Look(DeviceFinding Finding, IReadOnlyList<int> Own);
}

/// <param name="ResidualMemoryMiB">Memory that may be in use on a clean device: the driver's own.</param>
/// <param name="Tries">1 or more.</param>
/// <param name="Pause">Between two tries.</param>
public sealed record CheckBounds(int ResidualMemoryMiB, int Tries, TimeSpan Pause);

/// <param name="Tries">After which this was found.</param>
/// <param name="Foreign">Processes that are not the holder's.</param>
/// <param name="Finding">What is wrong; null on a clean device.</param>
public sealed record DeviceFinding(
    bool IsClean, int Tries, long? MemoryUsedMiB, int? UtilisationPercent, int Foreign, string? Finding);
