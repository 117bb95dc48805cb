namespace Framelease.GpuWorker;

/// <summary>The attempt's own folder. Removed with everything in it when the attempt ends, however it ends.</summary>
sealed class Scratch : IDisposable
{
    public const int NoSpace = 28, Quota = 122; // errno, which .NET keeps in HResult

    Scratch(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Where a fetched input goes.</summary>
    public string Input => Path.Combine(Folder, "input");

    /// <summary>Where the engine writes.</summary>
    public string Output => Path.Combine(Folder, "output");

    /// <exception cref="WorkerFailedException">The folder cannot be written.</exception>
    public static Scratch Create(string parent, string podUid)
    {
        // the uid comes from the environment, and a name must stay a name
        var name = "framelease-" + string.Concat(podUid.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-').Take(64));
        var folder = Path.Combine(Path.GetFullPath(parent), name);
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true); // of this pod's container that was killed
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new Scratch(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (e.HResult is NoSpace or Quota)
                throw WorkerFailedException.ScratchFull(parent, e);
            throw WorkerFailedException.Of(
                WorkerProtocol.FailCategory.Storage, WorkerProtocol.FailReasons.OutputNotWritable,
                $"The worker cannot write to its scratch folder '{parent}': {e.Message}. Mount a writable volume there.", retryable: false, e);
        }
    }

    /// <summary>Refuses early what cannot fit, before a long transfer.</summary>
    public void Expect(long bytes)
    {
        if (new DriveInfo(Folder).AvailableFreeSpace < bytes)
            throw WorkerFailedException.ScratchFull(Folder);
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the volume goes with the pod, and each node sweeps what is old
        }
    }
}
