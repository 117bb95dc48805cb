using System.Globalization;

namespace Framelease.LocalCluster.Shim.Native;

/// <summary>
/// Which process, without doubt: a pid is reused, and after a reboot even (pid, start time) may repeat, so the boot id belongs to it.
/// </summary>
/// <param name="StartTicks">Field 22 of /proc/PID/stat: clock ticks after boot.</param>
/// <param name="BootId">/proc/sys/kernel/random/boot_id.</param>
sealed record ProcessIdentity(int Pid, long StartTicks, string BootId)
{
    static string? _currentBootId;

    internal static string CurrentBootId => _currentBootId ??= File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>The identity of a live process (zombies are not alive), or null.</summary>
    internal static ProcessIdentity? Of(int pid) =>
        ProcessStat.Read(pid) is { IsZombie: false } stat ? new ProcessIdentity(pid, stat.StartTicks, CurrentBootId) : null;

    /// <summary>True while exactly this process runs.</summary>
    internal bool IsAlive => BootId == CurrentBootId && ProcessStat.Read(Pid) is { IsZombie: false } stat && stat.StartTicks == StartTicks;

    /// <summary>Sends the signal only if the pid is still this process. False when it is gone or the kernel refuses.</summary>
    internal bool Signal(int signal) => IsAlive && Libc.kill(Pid, signal) == 0;
}

/// <summary>The fields of /proc/PID/stat that we use. A class, because lists of our own structs would be compiled at start.</summary>
sealed record ProcessStat(int Pid, char State, int Parent, int Session, long StartTicks)
{
    internal bool IsZombie => State is 'Z' or 'X';

    internal static ProcessStat? Read(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
            // The program name in parentheses may itself hold spaces and parentheses: fields are counted from the last one.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessStat(pid, fields[0][0], int.Parse(fields[1]), int.Parse(fields[3]), long.Parse(fields[19]));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            return null; // gone between two reads
        }
    }
}
