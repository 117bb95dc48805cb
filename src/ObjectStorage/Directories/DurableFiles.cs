using System.Runtime.InteropServices;

namespace Framelease.ObjectStorage.Directories;

/// <summary>System calls that .NET does not offer: hard links (create-only, atomic), rename with errno, and fsync of directories.</summary>
static class DurableFiles
{
    public const int NoEntry = 2, Exists = 17, NotADirectory = 20, IsADirectory = 21, TooManyLinks = 31;

    /// <returns>0, or errno. <see cref="Exists"/> when the destination is there: exactly one of several callers gets 0.</returns>
    public static int Link(string source, string destination) => link(source, destination) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <returns>0, or errno.</returns>
    public static int Rename(string source, string destination) => rename(source, destination) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Makes the names in a directory survive a power cut.</summary>
    public static void SyncDirectory(string path)
    {
        const int readOnlyDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC, x86-64
        const int readOnlyDirectoryArm = 0x4000 | 0x80000;
        var descriptor = open(path, RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? readOnlyDirectoryArm : readOnlyDirectory);
        if (descriptor < 0)
        {
            // removed meanwhile, and its names with it: nothing is left to keep
            if (Marshal.GetLastPInvokeError() == NoEntry)
                return;
            throw Error(Marshal.GetLastPInvokeError(), path);
        }

        var result = fsync(descriptor);
        var error = Marshal.GetLastPInvokeError();
        _ = close(descriptor);
        const int invalid = 22; // file systems that cannot sync a directory
        if (result != 0 && error != invalid)
            throw Error(error, path);
    }

    /// <summary>Creates a directory and those above it, each durably. By mkdir(2), because .NET's own loses races with a removal.</summary>
    /// <returns>0, or errno; <see cref="NoEntry"/> when somebody removed one of them meanwhile.</returns>
    public static int CreateDirectory(string path)
    {
        if (Directory.Exists(path) || Path.GetDirectoryName(path) is not { } parent)
            return 0;
        if (CreateDirectory(parent) is var error and not 0)
            return error;
        const int everybody = 511; // rwxrwxrwx, less the umask
        if (mkdir(path, everybody) != 0)
            return Marshal.GetLastPInvokeError() is var failed and not Exists ? failed : 0;
        SyncDirectory(parent);
        return 0;
    }

    public static IOException Error(int errno, string path) => new($"{Marshal.GetPInvokeErrorMessage(errno)}: '{path}'", errno);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int link([MarshalAs(UnmanagedType.LPUTF8Str)] string source, [MarshalAs(UnmanagedType.LPUTF8Str)] string destination);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int rename([MarshalAs(UnmanagedType.LPUTF8Str)] string source, [MarshalAs(UnmanagedType.LPUTF8Str)] string destination);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int mkdir([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int mode);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int close(int descriptor);
}
