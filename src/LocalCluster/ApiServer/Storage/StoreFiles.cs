using System.Globalization;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>
/// The files of the object store: <c>snapshot-R.bin</c> holds every object at revision R, <c>log-R.bin</c> the changes after
/// revision R. Loading takes the newest snapshot and replays the logs over it in order.
/// </summary>
static class StoreFiles
{
    public static string Snapshot(string directory, long revision) => Path.Combine(directory, $"snapshot-{revision:D20}.bin");

    public static string Log(string directory, long revision) => Path.Combine(directory, $"log-{revision:D20}.bin");

    public static IEnumerable<(string Path, long Revision)> Find(string directory, string kind) =>
        Directory.GetFiles(directory, $"{kind}-*.bin")
            .Select(path => (path, Revision: ParseRevision(path, kind)))
            .Where(file => file.Revision >= 0)
            .OrderBy(file => file.Revision);

    /// <summary>Removes what a newer snapshot made superfluous, and snapshots that were never finished.</summary>
    public static void RemoveOlderThan(string directory, long snapshotRevision)
    {
        foreach (var (path, revision) in Find(directory, "snapshot").Concat(Find(directory, "log")).ToList())
        {
            if (revision < snapshotRevision)
                File.Delete(path);
        }

        foreach (var unfinished in Directory.GetFiles(directory, "*.tmp"))
            File.Delete(unfinished);
    }

    static long ParseRevision(string path, string kind)
    {
        var digits = Path.GetFileNameWithoutExtension(path)[(kind.Length + 1)..];
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision : -1;
    }
}
