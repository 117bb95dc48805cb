namespace Framelease.LocalCluster.Supervision;

/// <summary>The directory of one platform.</summary>
sealed class PlatformPaths(string root)
{
    internal string Root { get; } = Path.GetFullPath(root);

    /// <summary>Records of running children, and the ports that a later start takes again.</summary>
    internal string Run => Path.Combine(Root, "run");

    internal string Logs => Path.Combine(Root, "logs");

    internal string Postgres => Path.Combine(Root, "postgres");

    /// <summary>Of the API server and the node: objects, kubeconfigs, pods. Closed to others.</summary>
    internal string Cluster => Path.Combine(Root, "cluster");

    internal string Kubeconfig => Path.Combine(Cluster, "kubeconfig");

    internal string NodeKubeconfig => Path.Combine(Cluster, "kubeconfigs", "node.yaml");

    internal string OperatorKubeconfig => Path.Combine(Cluster, "kubeconfigs", "operator.yaml");

    /// <summary>What the API server writes while it starts.</summary>
    internal string[] Kubeconfigs => [Kubeconfig, NodeKubeconfig, OperatorKubeconfig];

    internal string Images => Path.Combine(Root, "images.json");

    internal void Create()
    {
        // PostgreSQL runs as another user when we are root: others may pass through, not look.
        const UnixFileMode Pass = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(Root, Pass);
        foreach (var directory in new[] { Run, Logs, Cluster })
            Directory.CreateDirectory(directory, Own);
    }
}
