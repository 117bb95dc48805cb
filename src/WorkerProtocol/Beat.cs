namespace Framelease.WorkerProtocol;

/// <summary><c>POST /worker/v1/beat</c>: heartbeat and progress in, command and remaining time out. Times are durations, never a worker's clock.</summary>
/// <param name="Sequence">Rises by at least one with every beat of an attempt; a lower or equal one is ignored.</param>
/// <param name="Phase">Fetching, Probing, Running, Uploading or Completing.</param>
/// <param name="Frames">Frames encoded so far.</param>
/// <param name="TotalFrames">Estimate from the probe; 0 = unknown.</param>
/// <param name="FpsMillis">Frames per second now, in thousandths.</param>
/// <param name="SpeedMillis">Speed against real time, in thousandths.</param>
/// <param name="PerMille">Progress 0–1000.</param>
/// <param name="OutputBytes">Bytes written so far.</param>
/// <param name="Message">Short text for people, at most 256 characters.</param>
/// <param name="Device">How the device is, where the worker can tell.</param>
public sealed record BeatRequest(
    long Sequence, WorkerPhase Phase, long Frames, long TotalFrames, long FpsMillis, long SpeedMillis, int PerMille, long OutputBytes, string? Message,
    DeviceTelemetry? Device = null);

/// <summary>A device as its holder sees it; null = not told. What lies outside the bounds counts as not told.</summary>
/// <param name="UtilisationPercent">0–100.</param>
/// <param name="MemoryUsedMiB">0 to 16,777,216.</param>
/// <param name="MemoryTotalMiB">0 to 16,777,216.</param>
/// <param name="TemperatureCelsius">-50 to 200.</param>
public sealed record DeviceTelemetry(
    int? UtilisationPercent = null, long? MemoryUsedMiB = null, long? MemoryTotalMiB = null, int? TemperatureCelsius = null);

public enum WorkerPhase { Fetching, Probing, Running, Uploading, Completing }

/// <param name="RemainingSeconds">Seconds until the lease would expire without another beat.</param>
/// <param name="GraceSeconds">With Drain or Stop: seconds until force is used.</param>
/// <param name="Reason">Why, for the log; null with Continue.</param>
public sealed record BeatReply(WorkerCommand Command, int RemainingSeconds, int GraceSeconds, string? Reason);

public enum WorkerCommand
{
    /// <summary>Go on.</summary>
    Continue,

    /// <summary>End gracefully within the grace: finish what is nearly done, else stop.</summary>
    Drain,

    /// <summary>Stop now: SIGTERM, grace, SIGKILL; commit nothing.</summary>
    Stop,
}
