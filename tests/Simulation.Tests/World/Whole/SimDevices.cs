using Framelease.Devices;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>Devices that tell nothing of themselves.</summary>
sealed class SimDevices : IDeviceReader
{
    public Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation) => Task.FromResult<DeviceReading?>(null);

    public Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DeviceProcess>?>(null);
}
