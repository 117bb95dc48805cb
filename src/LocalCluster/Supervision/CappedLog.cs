namespace Framelease.LocalCluster.Supervision;

/// <summary>
/// A child's log, written by the child itself (appending), so that it outlives us. When it grew over its cap it is copied beside and emptied;
/// lines written in that moment may be lost.
/// </summary>
sealed class CappedLog(string file, long capBytes)
{
    internal string File { get; } = file;

    internal void Trim()
    {
        var info = new FileInfo(File);
        if (!info.Exists || info.Length <= capBytes)
            return;
        System.IO.File.Copy(File, File + ".1", overwrite: true);
        using var stream = new FileStream(File, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.SetLength(0);
    }

    /// <summary>The last lines, for a message about a child that failed.</summary>
    internal string Tail(int lines = 8)
    {
        const int Most = 8192;
        if (!System.IO.File.Exists(File))
            return "";
        using var stream = new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Seek(-Math.Min(Most, stream.Length), SeekOrigin.End);
        using var reader = new StreamReader(stream);
        return string.Join('\n', reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(lines));
    }
}
