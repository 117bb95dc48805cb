using Framelease.Devices;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>
/// Looks at the device before the engine starts and after it ended, when the assignment asks for it, beside the transfers: nobody waits for
/// a clean device. Never fails the work by itself.
/// </summary>
sealed class FlightCheck(Session session, DeviceCheck check, ProgressBoard board, WorkerLog log)
{
    const int LongestFinding = 400;

    DeviceProbe? _before;
    DeviceProbe? _after;

    /// <summary>What was found so far; null when nothing was looked at.</summary>
    public DeviceProbes? Report => _before is null && _after is null ? null : new DeviceProbes(_before, _after);

    /// <exception cref="WorkerFailedException">The device was dirty before the engine touched it.</exception>
    public void RequireClean()
    {
        if (_before is { IsClean: false } dirty)
        {
            throw WorkerFailedException.Of(
                FailCategory.Gpu, FailReasons.DeviceDirty,
                $"Device {session.Assignment.Device!.Id} is not clean: {dirty.Finding}. Nothing was done on it.",
                retryable: true);
        }
    }

    public async Task BeforeAsync(CancellationToken stop) => _before = await LookAsync("before the work", stop);

    public async Task AfterAsync(CancellationToken stop) => _after = await LookAsync("after the work", stop);

    async Task<DeviceProbe?> LookAsync(string when, CancellationToken stop)
    {
        if (session.Assignment is not { Device: { Kind: "Gpu" } device, Probe: { } terms })
            return null;
        var bounds = new CheckBounds(
            Math.Max(0, terms.ResidualMemoryMiB), Math.Clamp(terms.Tries, 1, 10),
            TimeSpan.FromSeconds(Math.Clamp(terms.RetrySeconds, 1, 3600)));
        try
        {
            var found = await check.RunAsync(
                device.Id, bounds, f => Tell($"device not clean {when}: {f.Finding}; try {f.Tries} of {bounds.Tries}"), stop);
            return found is null ? null : Told(when, found);
        }
        catch (OperationCanceledException)
        {
            return null; // the work is being stopped: nobody waits for this
        }
    }

    DeviceProbe Told(string when, DeviceFinding found)
    {
        if (!found.IsClean)
            log.Line($"device not clean {when}: {found.Finding}; {found.Tries} tries");
        return new DeviceProbe(
            found.IsClean, found.Tries, found.MemoryUsedMiB, found.UtilisationPercent, found.Foreign,
            found.Finding is { Length: > LongestFinding } text ? text[..LongestFinding] : found.Finding);
    }

    void Tell(string message)
    {
        log.Line(message);
        board.Show(board.Current with { Message = message });
    }
}
