namespace Framelease.Devices;

/// <summary>Reads a device now and then beside the work, so that no beat ever waits for it.</summary>
/// <param name="device">Null: there is nothing to read.</param>
public sealed class TelemetryLoop(IDeviceReader reader, string? device, TimeProvider time)
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Older readings say nothing about now.</summary>
    static readonly TimeSpan Freshness = TimeSpan.FromSeconds(30);

    readonly Lock _gate = new();
    (DeviceReading Reading, long At)? _last;

    /// <summary>The last reading; null when there is none of the last 30 s.</summary>
    public DeviceReading? Current
    {
        get
        {
            lock (_gate)
                return _last is { } last && time.GetElapsedTime(last.At) <= Freshness ? last.Reading : null;
        }
    }

    /// <summary>Reads until cancelled. Never throws.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        if (device is null)
            return;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                if (await reader.ReadAsync(device, stop) is { } reading)
                {
                    lock (_gate)
                        _last = (reading, time.GetTimestamp());
                }

                await Task.Delay(Period, time, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The work has ended.
        }
    }
}
