using System.Runtime.InteropServices;

namespace Framelease.Cli.Processes;

static partial class Signals
{
    public const int Term = 15;
    public const int Kill = 9;

    /// <returns>False when there is no such process any more.</returns>
    public static bool Send(int pid, int signal) => SystemKill(pid, signal) == 0;

    public static bool Alive(int pid) => SystemKill(pid, 0) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SystemKill(int pid, int signal);
}
