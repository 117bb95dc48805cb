using System.Runtime.Versioning;

namespace Framelease.LocalCluster.ApiServer.Bootstrap;

/// <summary>
/// The directory that holds everything of one API server: readable only by its owner, its files written whole or not at all, and
/// used by one process at a time.
/// </summary>
sealed class DataDirectory : IDisposable
{
    readonly FileStream _lock;

    DataDirectory(string root, FileStream @lock)
    {
        Root = root;
        _lock = @lock;
    }

    public string Root { get; }

    public string Objects => Path.Combine(Root, "objects");

    public string Kubeconfig => Path.Combine(Root, "kubeconfig");

    /// <summary>Kubeconfigs of the other components.</summary>
    public string Kubeconfigs => Path.Combine(Root, "kubeconfigs");

    /// <summary>Where the node process writes containers' output: <c>{podUid}/{container}/{restartCount}.log</c>.</summary>
    public string PodLogs => Path.Combine(Root, "pods");

    public string File(string name) => Path.Combine(Root, name);

    /// <exception cref="DataDirectoryException">Another server uses it, or it cannot be made.</exception>
    public static DataDirectory Open(string path)
    {
        var root = Path.GetFullPath(path);
        try
        {
            CreatePrivate(root);
            CreatePrivate(Path.Combine(root, "objects"));
            CreatePrivate(Path.Combine(root, "kubeconfigs"));
            var file = new FileStream(Path.Combine(root, "apiserver.lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            return new DataDirectory(root, file);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new DataDirectoryException($"--data-dir {root}: {error.Message} Choose a directory that this user may write.");
        }
        catch (IOException error)
        {
            throw new DataDirectoryException($"--data-dir {root}: {error.Message} "
                + "If another API server runs on this directory, stop it or choose another one.");
        }
    }

    /// <summary>Writes a file so that readers see the old one or the new one, whole, and only the owner sees it at all.</summary>
    public static void WritePrivate(string path, ReadOnlySpan<byte> content)
    {
        var temporary = $"{path}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        System.IO.File.Move(temporary, path, overwrite: true);
        Storage.DirectorySync.Flush(Path.GetDirectoryName(path)!);
    }

    static void CreatePrivate(string path)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            CreatePrivateUnix(path);
    }

    [UnsupportedOSPlatform("windows")]
    static void CreatePrivateUnix(string path)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(path, OwnerOnly);
        System.IO.File.SetUnixFileMode(path, OwnerOnly);
    }

    public void Dispose() => _lock.Dispose();
}

/// <summary>The data directory cannot be used; the message says how to mend it.</summary>
sealed class DataDirectoryException(string message) : Exception(message);
