// What a worker finds when it looks at its device before and after its work.
namespace Framelease.WorkerProtocol;

/// <summary>How a worker looks at a device of its own before its engine starts, and after it ended.</summary>
/// <param name="ResidualMemoryMiB">Memory that may be in use on a clean device. 0 or more.</param>
/// <param name="Tries">Before a device counts as dirty. Default 3, bounds 1–10.</param>
/// <param name="RetrySeconds">Between two tries. Default 60, bounds 1–3600.</param>
public sealed record ProbeTerms(int ResidualMemoryMiB, int Tries = 3, int RetrySeconds = 60);

/// <summary>Null = not looked at, or could not be looked at.</summary>
/// <param name="Before">The engine started.</param>
/// <param name="After">It ended.</param>
public sealed record DeviceProbes(DeviceProbe? Before = null, DeviceProbe? After = null);

/// <param name="IsClean">No foreign process, nothing left behind, and no more memory in use than allowed.</param>
/// <param name="Tries">After which this was found.</param>
/// <param name="MemoryUsedMiB">At the last look; null = not told.</param>
/// <param name="UtilisationPercent">At the last look; tells, but decides nothing.</param>
/// <param name="ForeignProcesses">How many.</param>
/// <param name="Finding">What is wrong, at most 400 characters; null on a clean device.</param>
public sealed record DeviceProbe(
    bool IsClean, int Tries, long? MemoryUsedMiB = null, int? UtilisationPercent = null, int ForeignProcesses = 0, string? Finding = null);
