using System.Text;

namespace Framelease.ObjectStorage.Directories;

/// <summary>Walks the folder tree in the byte order of whole keys, which is S3's: a folder sorts as its name with the slash.</summary>
static class DirectoryListing
{
    public static ObjectPage List(KeyPaths paths, ListRequest request, CancellationToken cancellation)
    {
        if (request.MaxKeys is < 1 or > 1000)
            throw new ArgumentOutOfRangeException(nameof(request), request.MaxKeys, "MaxKeys: allowed are 1 to 1000");
        if (request.Delimiter is not (null or "/"))
            throw new ArgumentException($"Delimiter '{request.Delimiter}': only '/' is supported", nameof(request));
        var after = request.Continuation is { } token ? ReadToken(token) : "";
        List<ObjectSummary> objects = [];
        List<string> prefixes = [];
        var last = "";
        foreach (var entry in Walk(paths.Objects, "", request, after))
        {
            cancellation.ThrowIfCancellationRequested();
            if (objects.Count + prefixes.Count == request.MaxKeys)
                return new ObjectPage(objects, prefixes, Convert.ToBase64String(Encoding.UTF8.GetBytes(last)));
            last = entry.Key;
            if (entry.File is null)
                prefixes.Add(entry.Key);
            else
                objects.Add(new ObjectSummary(entry.Key, entry.File.Length, ETag.Of(entry.File), new DateTimeOffset(entry.File.LastWriteTimeUtc)));
        }

        return new ObjectPage(objects, prefixes, null);
    }

    sealed record Entry(string Key, byte[] Order, FileSystemInfo Info)
    {
        public FileInfo? File => Info as FileInfo;
    }

    static IEnumerable<Entry> Walk(string folder, string keyOfFolder, ListRequest request, string after)
    {
        foreach (var entry in Entries(folder, keyOfFolder))
        {
            if (entry.File is not null)
            {
                if (entry.Key.StartsWith(request.Prefix, StringComparison.Ordinal) && Compare(entry.Order, after) > 0)
                    yield return entry;
                continue;
            }

            var inside = entry.Key.StartsWith(request.Prefix, StringComparison.Ordinal);
            if (!inside && !request.Prefix.StartsWith(entry.Key, StringComparison.Ordinal))
                continue;
            // a folder that lies wholly before the continuation is passed over unread
            if (Compare(entry.Order, after) <= 0 && !after.StartsWith(entry.Key, StringComparison.Ordinal))
                continue;
            if (request.Delimiter is not null && inside && entry.Key.Length > request.Prefix.Length)
            {
                if (after != entry.Key && HasObjects(entry.Info.FullName))
                    yield return entry;
                continue;
            }

            foreach (var deeper in Walk(entry.Info.FullName, entry.Key, request, after))
                yield return deeper;
        }
    }

    static List<Entry> Entries(string folder, string keyOfFolder)
    {
        List<Entry> entries = [];
        try
        {
            foreach (var info in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            {
                if (info.Attributes.HasFlag(FileAttributes.ReparsePoint))
                    continue;
                var key = keyOfFolder + info.Name + (info is DirectoryInfo ? "/" : "");
                if (ObjectKey.Problem(key.TrimEnd('/')) is null)
                    entries.Add(new Entry(key, Encoding.UTF8.GetBytes(key), info));
            }
        }
        catch (DirectoryNotFoundException)
        {
            // emptied and removed meanwhile
        }

        entries.Sort((a, b) => a.Order.AsSpan().SequenceCompareTo(b.Order));
        return entries;
    }

    static int Compare(byte[] order, string after) => order.AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(after));

    static bool HasObjects(string folder)
    {
        try
        {
            return Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Any();
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
    }

    static string ReadToken(string token)
    {
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(token));
        }
        catch (FormatException e)
        {
            throw new ArgumentException("The continuation is not one that this store handed out", nameof(token), e);
        }
    }
}

static class ETag
{
    /// <summary>Opaque: size and time stamp, which every write changes, so that a listing need not read the bytes.</summary>
    public static string Of(FileInfo file) => Of(file.Length, file.LastWriteTimeUtc.Ticks);

    public static string Of(long size, long ticks) => $"\"{size:x}-{ticks:x}\"";
}
