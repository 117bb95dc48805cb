using System.Runtime.InteropServices;

namespace Framelease.Media.Running;

/// <summary>The two system calls that .NET does not offer: signals to a process group, and CPU time of ended children.</summary>
static class Native
{
    public const int SigTerm = 15;
    public const int SigKill = 9;
    const int Children = -1;

    /// <returns>False when there is no such process (group) any more.</returns>
    public static bool Signal(int process, bool group, int signal) => kill(group ? -process : process, signal) == 0;

    /// <summary>User and system time of all children that have ended and been waited for.</summary>
    public static TimeSpan ChildrenCpu() =>
        getrusage(Children, out var usage) == 0
            ? TimeSpan.FromSeconds(usage.UserSeconds + usage.SystemSeconds) + TimeSpan.FromMicroseconds(usage.UserMicros + usage.SystemMicros)
            : TimeSpan.Zero;

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int kill(int pid, int sig);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int getrusage(int who, out Usage usage);

    // struct rusage on 64-bit Linux: two timevals, then 14 longs that are not read
    [StructLayout(LayoutKind.Sequential, Size = 144)]
    struct Usage
    {
        public long UserSeconds;
        public long UserMicros;
        public long SystemSeconds;
        public long SystemMicros;
    }
}
