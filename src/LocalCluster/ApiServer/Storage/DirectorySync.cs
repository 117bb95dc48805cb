using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.ApiServer.Storage;

/// <summary>Makes renames and new files durable: a file's fsync does not cover the directory entry that names it.</summary>
static partial class DirectorySync
{
    const int ReadOnly = 0;
    const int CloseOnExec = 0x80000;

    public static void Flush(string directory)
    {
        if (!OperatingSystem.IsLinux())
            return;
        var descriptor = Open(directory, ReadOnly | CloseOnExec);
        if (descriptor < 0)
            throw new IOException($"cannot open the directory {directory} to flush it (errno {Marshal.GetLastPInvokeError()})");
        try
        {
            if (Sync(descriptor) != 0)
                throw new IOException($"cannot flush the directory {directory} (errno {Marshal.GetLastPInvokeError()})");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

#pragma warning disable SYSLIB1054 // source-generated imports need unsafe blocks, which this repository does not allow
    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi)]
    static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    static extern int Sync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    static extern int Close(int descriptor);
#pragma warning restore SYSLIB1054
}
