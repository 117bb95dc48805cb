namespace Framelease.LocalCluster.Shim.Records;

/// <summary>A reader sees the old content or the new one, never a part: written beside, made durable, renamed.</summary>
static class AtomicFile
{
    /// <param name="durable">False skips the flush to disk: the content then survives a killed process, not a power cut.</param>
    /// <param name="mode">Permissions that the file has from its first byte on; null = the process's usual ones.</param>
    internal static void Write(string path, ReadOnlySpan<byte> content, bool durable = true, UnixFileMode? mode = null)
    {
        var temporary = $"{path}.{Environment.ProcessId}.tmp";
        if (mode is not null)
            File.Delete(temporary); // an older one would keep its own
        using (var file = mode is { } permissions
            ? new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = permissions })
                .SafeFileHandle
            : File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, content, 0);
            if (durable)
                RandomAccess.FlushToDisk(file);
        }
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Makes a file written before durable.</summary>
    internal static void Flush(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    internal static byte[]? TryRead(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
