using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Framelease.Devices;

/// <summary>Which processes of this machine belong to one holder of a device.</summary>
public interface IOwnProcesses
{
    /// <summary>The one that asks.</summary>
    bool IsSelf(int pid);

    /// <summary>Started by it, or by what it started; false where that cannot be told.</summary>
    bool IsOurs(int pid);

    /// <summary>Ends a process of ours by force; does nothing to any other.</summary>
    void End(int pid);
}

/// <summary>
/// Told by a mark in the environment, which everything that a holder starts inherits. Whatever the mark cannot be read of counts
/// as foreign.
/// </summary>
/// <param name="mark"><c>NAME=value</c>, unique to the holder.</param>
public sealed class MarkedProcesses(string mark) : IOwnProcesses
{
    const int LongestEnvironment = 1 << 20;

    readonly byte[] _mark = Encoding.UTF8.GetBytes(mark);

    public bool IsSelf(int pid) => pid == Environment.ProcessId;

    public bool IsOurs(int pid)
    {
        try
        {
            using var file = File.OpenRead($"/proc/{pid}/environ");
            var buffer = new byte[LongestEnvironment];
            var all = buffer.AsSpan(0, file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false));
            foreach (var part in all.Split((byte)0))
            {
                if (all[part].SequenceEqual(_mark))
                    return true;
            }

            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone, or somebody else's
        }
    }

    public void End(int pid)
    {
        if (IsSelf(pid))
            return;
        try
        {
            using var process = Process.GetProcessById(pid);
            // Held by its handle from here on, and looked at again: a number may have passed to another process.
            if (IsOurs(pid))
                process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // Ended in between.
        }
    }
}
