namespace Framelease.LocalCluster.Node.Pods;

/// <summary>
/// Processes here have no mount namespace, so a volume is a directory somewhere else than its mountPath says. Variables, arguments and
/// working directories that begin with a mountPath are rewritten to that directory; a path built by the program itself is not.
/// </summary>
sealed class MountPaths
{
    readonly List<(string MountPath, string Local)> _mounts;

    internal MountPaths(IEnumerable<(string MountPath, string Local)> mounts) =>
        _mounts = [.. mounts.Select(mount => (Trimmed(mount.MountPath), mount.Local)).OrderByDescending(mount => mount.Item1.Length)];

    internal string Rewrite(string value)
    {
        foreach (var (path, local) in _mounts)
            if (value.StartsWith(path, StringComparison.Ordinal) && (value.Length == path.Length || value[path.Length] == '/'))
                return local + value[path.Length..];
        return value;
    }

    static string Trimmed(string path) => path.Length > 1 ? path.TrimEnd('/') : path;
}
