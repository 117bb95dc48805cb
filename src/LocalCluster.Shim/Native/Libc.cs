using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.Shim.Native;

/// <summary>The few calls into libc that process supervision on Linux needs and .NET does not offer.</summary>
static unsafe partial class Libc
{
    internal const int SigQuit = 3, SigKill = 9, SigTerm = 15;
    internal const int Eperm = 1, Enoent = 2, Esrch = 3, Eintr = 4, Echild = 10, Eacces = 13, Eexist = 17;
    internal const int WaitNoHang = 1;
    internal const int SetChildSubreaper = 36;
    internal const short PollIn = 1;
    internal const int CloseOnExec = 0x80000, NonBlocking = 0x800;

    const string Name = "libc";

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int setsid();

    [LibraryImport(Name)]
    internal static partial uint geteuid();

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int waitpid(int pid, out int status, int options);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int poll(PollFd* fds, nuint count, int timeoutMilliseconds);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int access(string path, int mode);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial nint syscall(nint number, nint a, nint b);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int pipe2(int* descriptors, int flags);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    internal static partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport(Name)]
    internal static partial int close(int descriptor);

    [LibraryImport(Name)]
    internal static partial int posix_spawn(
        out int pid, byte* path, void* fileActions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Name)]
    internal static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Name)]
    internal static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Name)]
    internal static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Name)]
    internal static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport(Name)]
    internal static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(Name)]
    internal static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Name)]
    internal static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Name)]
    internal static partial int posix_spawn_file_actions_adddup2(void* actions, int descriptor, int target);

    [LibraryImport(Name)]
    internal static partial int posix_spawn_file_actions_addopen(void* actions, int descriptor, byte* path, int flags, uint mode);

    [LibraryImport(Name)]
    internal static partial int posix_spawn_file_actions_addchdir_np(void* actions, byte* path);

    [LibraryImport(Name)]
    internal static partial int sigemptyset(void* signals);

    [LibraryImport(Name)]
    internal static partial int sigaddset(void* signals, int signal);

    /// <summary>pidfd_open(2), number 434 on every architecture; −1 where the kernel is older than 5.3 or the process is gone.</summary>
    internal static int OpenPidDescriptor(int pid) => (int)syscall(434, pid, 0);

    /// <summary>Waits without a timer thread; returns early on a signal, which callers tolerate.</summary>
    internal static void Pause(int milliseconds) => _ = poll(null, 0, milliseconds);

    internal static string Describe(int errno) => $"{Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";
}
