namespace Framelease.Cli.Connecting;

/// <summary>Where `framelease up` keeps a platform, unless told otherwise.</summary>
static class DataDirectory
{
    /// <summary>Kubeconfig of the platform's administrator.</summary>
    public static string Kubeconfig(string dataDirectory) => Path.Combine(dataDirectory, "cluster", "kubeconfig");

    /// <summary>The object store of a platform without a bucket.</summary>
    public static string Objects(string dataDirectory) => Path.Combine(dataDirectory, "objects-store");

    /// <summary><c>$FRAMELEASE_DATA</c>, else <c>$XDG_DATA_HOME/framelease</c>, else <c>~/.local/share/framelease</c>.</summary>
    public static string Default(Shell shell)
    {
        if (shell.Environment("FRAMELEASE_DATA") is { Length: > 0 } chosen)
            return Path.GetFullPath(chosen);
        var home = shell.Environment("HOME") is { Length: > 0 } h ? h : "/";
        var share = shell.Environment("XDG_DATA_HOME") is { Length: > 0 } xdg ? xdg : Path.Combine(home, ".local", "share");
        return Path.Combine(share, "framelease");
    }
}
