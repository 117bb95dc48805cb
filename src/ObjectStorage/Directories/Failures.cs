namespace Framelease.ObjectStorage.Directories;

/// <summary>The one place where the file system's errors become the store's.</summary>
static class Failures
{
    public static ObjectStoreException From(Exception error, string key, string root) => error switch
    {
        ObjectStoreException e => e,
        FileNotFoundException or DirectoryNotFoundException => NotFound(key, error),
        UnauthorizedAccessException => Denied(root, error),
        // .NET keeps errno in HResult
        IOException { HResult: 28 or 122 } => new ObjectStoreException(
            ObjectStoreError.NoSpace, $"The disk of the object store '{root}' is full; '{key}' was not written. Free space there or move the store.", error),
        IOException { HResult: 27 } => new ObjectStoreException(
            ObjectStoreError.TooLarge, $"'{key}' is larger than the file system of '{root}' or this process's file size limit allows.", error),
        IOException { HResult: 1 or 13 or 30 } => Denied(root, error),
        IOException { HResult: DurableFiles.NotADirectory or DurableFiles.IsADirectory or DurableFiles.Exists } => Collision(key, error),
        PathTooLongException => new ObjectStoreException(
            ObjectStoreError.InvalidKey, $"'{key}' is too long for the file system of '{root}'. Use a shorter key or a store nearer to the root.", error),
        _ => new ObjectStoreException(ObjectStoreError.Unavailable, $"The object store '{root}' failed on '{key}': {error.Message}", error),
    };

    public static ObjectStoreException NotFound(string key, Exception? inner = null) =>
        new(ObjectStoreError.NotFound, $"There is no object '{key}'. Check the key, or upload it first.", inner);

    public static ObjectStoreException Taken(string key) => new(ObjectStoreError.PreconditionFailed, $"The object '{key}' exists already.");

    public static ObjectStoreException Collision(string key, Exception? inner = null) => new(
        ObjectStoreError.InvalidKey,
        $"'{key}' cannot be stored in a folder: a part of it is an object already, or it is the folder of other objects. Use another key.", inner);

    static ObjectStoreException Denied(string root, Exception error) => new(
        ObjectStoreError.AccessDenied, $"The object store '{root}' may not be read or written by this process: {error.Message}", error);
}
