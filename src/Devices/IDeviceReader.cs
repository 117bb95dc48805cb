namespace Framelease.Devices;

/// <summary>Looks at a device of this machine. Never fails the work: what cannot be read is null.</summary>
public interface IDeviceReader
{
    /// <summary>How busy, full and warm a device is now; null when it cannot be read.</summary>
    /// <param name="device">An NVIDIA UUID.</param>
    Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation);

    /// <summary>Who uses a device now; null when that cannot be read.</summary>
    /// <param name="device">An NVIDIA UUID.</param>
    Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation);

    /// <summary>The devices that this process can see, by index; null when they cannot be listed, as where nobody can list any.</summary>
    Task<IReadOnlyList<NodeDevice>?> ListAsync(CancellationToken cancellation) => Task.FromResult<IReadOnlyList<NodeDevice>?>(null);
}

/// <summary>A device at one moment; null = the device does not tell.</summary>
/// <param name="UtilisationPercent">0–100.</param>
/// <param name="TemperatureCelsius">Of the chip.</param>
public sealed record DeviceReading(int? UtilisationPercent, long? MemoryUsedMiB, long? MemoryTotalMiB, int? TemperatureCelsius);

/// <param name="MemoryMiB">Device memory that it holds; null = not told.</param>
public sealed record DeviceProcess(int Pid, long? MemoryMiB, string Name);
