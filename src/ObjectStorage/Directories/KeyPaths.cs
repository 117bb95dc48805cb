namespace Framelease.ObjectStorage.Directories;

/// <summary>
/// Where things lie under the root: <c>objects/</c> the bytes under their own names, so that people can look at them; <c>meta/</c> sidecars;
/// <c>tmp/</c> what is being written.
/// </summary>
sealed class KeyPaths
{
    public KeyPaths(string root)
    {
        Root = Path.GetFullPath(root);
        Objects = Path.Combine(Root, "objects");
        Meta = Path.Combine(Root, "meta");
        Temporary = Path.Combine(Root, "tmp");
    }

    public string Root { get; }

    public string Objects { get; }

    public string Meta { get; }

    public string Temporary { get; }

    public string SidecarOf(string key) => Path.Combine(Meta, key) + Sidecar.Suffix;

    /// <summary>The object's file. Refuses a path that leads through a symbolic link: it could leave the store.</summary>
    public string ObjectOf(string key)
    {
        ObjectKey.Validate(key);
        for (var end = key.IndexOf('/'); end >= 0; end = key.IndexOf('/', end + 1))
        {
            if (!RefuseLink(key, Path.Combine(Objects, key[..end])))
                return Path.Combine(Objects, key);
        }

        var path = Path.Combine(Objects, key);
        RefuseLink(key, path);
        return path;
    }

    // false when there is nothing at the path, so nothing below it either
    static bool RefuseLink(string key, string path)
    {
        FileAttributes attributes;
        try
        {
            attributes = File.GetAttributes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }

        if (!attributes.HasFlag(FileAttributes.ReparsePoint))
            return true;
        throw new ObjectStoreException(
            ObjectStoreError.AccessDenied, $"'{key}' leads through the symbolic link '{path}', which an object store does not follow. Put the file itself there.");
    }
}
