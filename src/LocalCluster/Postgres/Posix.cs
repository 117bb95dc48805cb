// The few system calls that .NET has no method for.
using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.Postgres;

internal static class Posix
{
    public const int SIGINT = 2, SIGQUIT = 3, SIGKILL = 9;

    /// <summary>False when there is no such process (or it is not ours to signal).</summary>
    public static bool Signal(int processId, int signal) => processId > 1 && kill(processId, signal) == 0;

    public static uint EffectiveUserId() => geteuid();

    public static void ChangeOwner(string path, ServerUser user)
    {
        if (lchown(path, user.Uid, user.Gid) != 0)
            throw new PrivatePostgresException(
                $"'{path}' could not be given to user '{user.Name}' ({Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}).");
    }

    [DllImport("libc", SetLastError = true)]
    static extern int kill(int pid, int signal);

    [DllImport("libc")]
    static extern uint geteuid();

    [DllImport("libc", SetLastError = true)]
    static extern int lchown([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint owner, uint group);
}
