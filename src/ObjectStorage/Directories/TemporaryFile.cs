namespace Framelease.ObjectStorage.Directories;

/// <summary>
/// An object being written: a locked file in <c>tmp/</c>. The lock (flock, by FileShare.None) is held until the file has its final name, so that a
/// sweeper, also in another process, knows what is alive.
/// </summary>
sealed class TemporaryFile : IDisposable
{
    const string Extension = ".part";

    TemporaryFile(string path, FileStream stream)
    {
        Path = path;
        Stream = stream;
    }

    public string Path { get; }

    public FileStream Stream { get; }

    public static TemporaryFile Create(KeyPaths paths, Guid id)
    {
        Directory.CreateDirectory(paths.Temporary);
        var path = System.IO.Path.Combine(paths.Temporary, id.ToString("N") + Extension);
        return new TemporaryFile(path, new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
        }));
    }

    /// <summary>Removes what crashed writers left. Files younger than <paramref name="olderThan"/> are left alone: their writer may be about to lock them.</summary>
    /// <returns>How many were removed.</returns>
    public static int Sweep(KeyPaths paths, TimeSpan olderThan, TimeProvider time, CancellationToken cancellation)
    {
        if (!Directory.Exists(paths.Temporary))
            return 0;
        var removed = 0;
        foreach (var file in new DirectoryInfo(paths.Temporary).EnumerateFiles("*" + Extension))
        {
            cancellation.ThrowIfCancellationRequested();
            if (time.GetUtcNow().UtcDateTime - file.LastWriteTimeUtc < olderThan)
                continue;
            try
            {
                using var alone = new FileStream(file.FullName, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                file.Delete();
                removed++;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // locked: its writer lives
            }
        }

        return removed;
    }

    /// <summary>Removes the temporary name; the object keeps its own.</summary>
    public void Dispose()
    {
        File.Delete(Path);
        Stream.Dispose();
    }
}
