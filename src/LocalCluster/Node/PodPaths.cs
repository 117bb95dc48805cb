namespace Framelease.LocalCluster.Node;

/// <summary>
/// Where a pod lives below the data directory: <c>pods/{uid}/{container}/{run}.log</c> is what <c>kubectl logs</c> reads, <c>{run}/</c> beside
/// it holds the run's records; names with a dot cannot be containers: <c>.volumes</c>, <c>.home</c> and <c>.tmp</c>.
/// </summary>
sealed class PodPaths(string dataDirectory)
{
    internal string Pods { get; } = Path.Combine(Path.GetFullPath(dataDirectory), "pods");

    internal string Pod(string podUid) => Path.Combine(Pods, podUid);

    internal string Home(string podUid) => Path.Combine(Pod(podUid), ".home");

    internal string Temporary(string podUid) => Path.Combine(Pod(podUid), ".tmp");

    internal string Volume(string podUid, string volume) => Path.Combine(Pod(podUid), ".volumes", volume);

    internal string Run(RunId run) => Path.Combine(Pod(run.PodUid), run.Container, run.Number.ToString());

    internal string Log(RunId run) => Run(run) + ".log";
}

/// <summary>One start of one container of one pod. <see cref="Number"/> is the restartCount that it began with.</summary>
readonly record struct RunId(string PodUid, string Container, int Number)
{
    public override string ToString() => $"{PodUid}/{Container}/{Number}";
}
