using System.Runtime.InteropServices;
using Framelease.WorkerProtocol;
using Microsoft.Win32.SafeHandles;

namespace Framelease.GpuWorker.Inputs;

/// <summary>
/// Opens a user's <c>file://</c> input under an allowed root. The file is opened first and looked at afterwards, by its descriptor: where it really lies,
/// whatever links led there, and that it is a regular file. ffmpeg then reads that very descriptor, so nothing can be swapped in between, and nothing is copied.
/// </summary>
static class FileInput
{
    public static LocalInput Open(InputSource source)
    {
        var path = PathOf(source);
        var roots = source.AllowedRoots.Select(RealFolder).OfType<string>().ToArray();
        // before anything is looked up: whether a file outside exists is not told either
        if (!source.AllowedRoots.Any(root => IsUnder(path, Path.GetFullPath(root))) && !roots.Any(root => IsUnder(path, root)))
            throw NotAllowed(source, "lies outside");
        using var place = OpenPath(path);
        if (place.IsInvalid)
            throw NotOpened(source, Marshal.GetLastPInvokeError());
        var real = RealPath(place);
        if (!roots.Any(root => IsUnder(real, root)))
            throw NotAllowed(source, "leads, through a symbolic link, outside");
        if (!IsRegularFile(place))
        {
            throw WorkerFailedException.Of(
                FailCategory.Input, FailReasons.InputUnreadable, $"{source.DisplayUri} is a folder or a device, not a file. Name the video file itself.", retryable: false);
        }

        return Held(source, place);
    }

    static LocalInput Held(InputSource source, SafeFileHandle place)
    {
        SafeFileHandle handle;
        try
        {
            handle = File.OpenHandle($"/proc/self/fd/{place.DangerousGetHandle()}");
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw WorkerFailedException.Of(
                FailCategory.Input, FailReasons.InputUnreadable, $"{source.DisplayUri} may not be read by the worker. Give it read permission.", retryable: false, e);
        }

        var bytes = RandomAccess.GetLength(handle);
        if (bytes <= source.MaxBytes)
            return new LocalInput($"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}", bytes, handle);
        handle.Dispose();
        throw WorkerFailedException.Of(
            FailCategory.UserError, FailReasons.InputTooLarge,
            $"{source.DisplayUri} has {WorkerLog.Bytes(bytes)}; allowed are {WorkerLog.Bytes(source.MaxBytes)}. Give a smaller file, or raise the engine's input limit.",
            retryable: false);
    }

    static string PathOf(InputSource source)
    {
        if (!Uri.TryCreate(source.Uri, UriKind.Absolute, out var uri) || !uri.IsFile || uri.Host is not ("" or "localhost"))
            throw Malformed(source);
        // Uri folds ".." away; a path that needs it hides where it leads
        var raw = Uri.UnescapeDataString(source.Uri);
        if (raw.Split('/', '\\').Contains("..") || raw.Any(char.IsControl))
            throw Malformed(source);
        return uri.LocalPath.StartsWith("//localhost/", StringComparison.Ordinal) ? uri.LocalPath["//localhost".Length..] : uri.LocalPath;
    }

    static bool IsUnder(string path, string root)
    {
        var folder = root.TrimEnd('/') + "/";
        return path.StartsWith(folder, StringComparison.Ordinal);
    }

    static string? RealFolder(string root)
    {
        using var place = OpenPath(root);
        return place.IsInvalid ? null : RealPath(place);
    }

    static string RealPath(SafeFileHandle place) => File.ResolveLinkTarget($"/proc/self/fd/{place.DangerousGetHandle()}", returnFinalTarget: false)!.FullName;

    static WorkerFailedException NotOpened(InputSource source, int errno) => errno switch
    {
        2 or 20 => WorkerFailedException.Of(
            FailCategory.Input, FailReasons.InputNotFound, $"{source.DisplayUri} is not there. Check the path as the worker's node sees it.", retryable: false),
        40 => NotAllowed(source, "leads, in a circle of symbolic links, outside"),
        _ => WorkerFailedException.Of(
            FailCategory.Input, FailReasons.InputUnreadable,
            $"{source.DisplayUri} cannot be opened: {Marshal.GetPInvokeErrorMessage(errno)}. Give the worker permission to read it.", retryable: false),
    };

    static WorkerFailedException NotAllowed(InputSource source, string how) => WorkerFailedException.Of(
        FailCategory.UserError, FailReasons.InputNotAllowed,
        $"{source.DisplayUri} {how} the folders that inputs may come from ({Folders(source)}). "
        + "Move the file there, upload it to the object store, or have the operator allow its folder (--input-root).", retryable: false);

    static string Folders(InputSource source) => source.AllowedRoots.Count == 0 ? "none is allowed" : string.Join(", ", source.AllowedRoots);

    static WorkerFailedException Malformed(InputSource source) => WorkerFailedException.Of(
        FailCategory.UserError, FailReasons.InputNotAllowed,
        $"{source.DisplayUri} is not a plain path: file:///folder/name without '..', other hosts or control characters.", retryable: false);

    // O_PATH | O_CLOEXEC: names a file without opening it, so neither a pipe nor a device is touched
    static SafeFileHandle OpenPath(string path) => new(open(path, 0x200000 | 0x80000), ownsHandle: true);

    static bool IsRegularFile(SafeFileHandle place)
    {
        const int emptyPath = 0x1000;
        const uint type = 1;
        const int modeOffset = 28; // stx_mode; struct statx is the same on every architecture
        var buffer = new byte[256];
        var done = statx((int)place.DangerousGetHandle(), "", emptyPath, type, buffer) == 0;
        return done && (BitConverter.ToUInt16(buffer, modeOffset) & 0xF000) == 0x8000;
    }

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int statx(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] buffer);
}
