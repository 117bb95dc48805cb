using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Processes;

/// <summary>
/// The port to processes. What it reports is read from records that survive the node, so a new node sees what its predecessor started.
/// </summary>
interface IPodRuntime
{
    /// <summary>
    /// Starts a run that was <see cref="RunState.Absent"/> and returns once it runs, or is over because it could not start.
    /// </summary>
    Task<RunState> StartAsync(RunId run, LaunchPlan plan, CancellationToken ct);

    RunState Look(RunId run);

    /// <summary>
    /// Completes when no process of the run is left, and only then. A run whose shim vanished without a record has its leftovers killed and
    /// counts as ended with 137, <c>ContainerStatusUnknown</c>.
    /// </summary>
    Task<ExitRecord> WaitAsync(RunId run, CancellationToken ct);

    /// <summary>SIGTERM to the main process, SIGKILL to the whole tree after the grace, even if this node dies meanwhile. 0 = at once.</summary>
    void Stop(RunId run, int graceSeconds);

    /// <summary>Every run with records on disk, oldest first for each container.</summary>
    /// <param name="podUid">Null = of every pod.</param>
    IReadOnlyList<RunId> Known(string? podUid = null);

    /// <summary>Live processes that carry the pod's mark, and those that descend from them.</summary>
    IReadOnlyList<ProcessIdentity> Processes(string podUid);

    /// <summary>Deletes the pod's files. The caller has seen every run end.</summary>
    void Forget(string podUid);
}

/// <summary>What to run, after images, variables and volumes are resolved.</summary>
sealed record LaunchPlan
{
    public required string Program { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    public required IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; }

    public required string WorkingDirectory { get; init; }

    public int GraceSeconds { get; init; } = 30;

    public long? CpuMillis { get; init; }

    public long? MemoryBytes { get; init; }
}

/// <summary>A run as its records tell it.</summary>
abstract record RunState
{
    RunState()
    {
    }

    /// <summary>Never begun.</summary>
    internal sealed record Absent : RunState;

    /// <summary>Begun and not known to be over. <paramref name="Main"/> is null until the program is known to run.</summary>
    internal sealed record Active(ProcessIdentity? Main, DateTimeOffset? StartedAt, string Limits) : RunState;

    /// <summary>Over: no process of the tree is left.</summary>
    internal sealed record Ended(ExitRecord Exit) : RunState;
}
