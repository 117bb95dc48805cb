using System.Globalization;

namespace Framelease.LocalCluster.Supervision;

/// <summary>One platform a directory: an flock that the kernel gives back when its holder dies, and a file that says who holds it.</summary>
sealed class PlatformLock : IDisposable
{
    readonly FileStream _file;

    PlatformLock(FileStream file) => _file = file;

    /// <exception cref="PlatformException">Another platform runs on the directory; the message says which process.</exception>
    internal static PlatformLock Take(string directory, DateTimeOffset now)
    {
        var holder = Path.Combine(directory, "up.holder");
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(directory, "up.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            var who = File.Exists(holder) ? File.ReadAllText(holder).Trim() : "an unknown process";
            throw new PlatformException($"{directory} is in use by {who}. Stop it, or name another directory with --data-dir.", e);
        }
        File.WriteAllText(holder, string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} (started {now:yyyy-MM-dd'T'HH:mm:ss'Z'})\n"));
        return new PlatformLock(file);
    }

    public void Dispose() => _file.Dispose();
}
