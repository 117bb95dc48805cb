using Framelease.Devices;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>Devices as a worker on their node sees them: clean, but while somebody else's process is on them.</summary>
sealed class SimDevices(WholeWorld world, string node) : IDeviceReader
{
    static readonly DeviceProcess Foreign = new(4711, 812, "python");

    public Task<DeviceReading?> ReadAsync(string device, CancellationToken cancellation) =>
        Task.FromResult<DeviceReading?>(new DeviceReading(0, world.IsDirty(node) ? 900 : 3, 16000, 30));

    public Task<IReadOnlyList<DeviceProcess>?> ProcessesAsync(string device, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<DeviceProcess>?>(world.IsDirty(node) ? [Foreign] : []);
}

/// <summary>No process of a simulated worker is a real one.</summary>
sealed class NoProcesses : IOwnProcesses
{
    public bool IsSelf(int pid) => false;

    public bool IsOurs(int pid) => false;

    public void End(int pid) => throw new InvalidOperationException($"process {pid} is nobody's");
}
