using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.Shim.Native;

/// <summary>
/// Tells at once when a process ends, a child or not, and when a pipe speaks: one thread in poll(2) over pidfds. Used by the node and the
/// supervisor; the shim itself only waits for its children.
/// </summary>
sealed unsafe class ProcessWatcher : IDisposable
{
    /// <summary>Where pidfd_open is missing (before Linux 5.3), processes are looked at this often.</summary>
    const int FallbackMilliseconds = 50;

    readonly Lock _gate = new();
    readonly List<Entry> _entries = [];
    readonly int _wake;
    bool _disposed;

    internal ProcessWatcher()
    {
        _wake = Libc.eventfd(0, Libc.CloseOnExec | Libc.NonBlocking);
        if (_wake < 0)
            throw new IOException($"eventfd: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        new Thread(Loop) { IsBackground = true, Name = "process watcher" }.Start();
    }

    /// <summary>Completes when the process has ended: with its wait status if it was our child (it is reaped), else with null.</summary>
    internal Task<int?> WhenEnded(ProcessIdentity process)
    {
        var descriptor = Libc.OpenPidDescriptor(process.Pid);
        var entry = new Entry(descriptor, process);
        if (!process.IsAlive) // looked at after the descriptor was opened: a pid reused in between cannot be mistaken
        {
            if (descriptor >= 0)
                _ = Libc.close(descriptor);
            return Task.FromResult(Reap(process.Pid));
        }
        Add(entry);
        return entry.Ended.Task;
    }

    /// <summary>Completes with true when a byte can be read from the descriptor, false at its end; closes it.</summary>
    internal Task<bool> WhenSpoken(int descriptor)
    {
        var entry = new Entry(descriptor, null);
        Add(entry);
        return entry.Spoken.Task;
    }

    public void Dispose()
    {
        lock (_gate)
            _disposed = true;
        Wake();
    }

    void Add(Entry entry)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _entries.Add(entry);
        }
        Wake();
    }

    void Wake()
    {
        ulong one = 1;
        _ = Libc.write(_wake, (byte*)&one, 8);
    }

    void Loop()
    {
        while (true)
        {
            Entry[] entries;
            lock (_gate)
            {
                if (_disposed)
                    break;
                entries = [.. _entries];
            }
            var fds = new Libc.PollFd[entries.Length + 1];
            fds[0] = new Libc.PollFd { Descriptor = _wake, Events = Libc.PollIn };
            var timeout = -1;
            for (var i = 0; i < entries.Length; i++)
            {
                fds[i + 1] = new Libc.PollFd { Descriptor = entries[i].Descriptor, Events = Libc.PollIn };
                if (entries[i].Descriptor < 0)
                    timeout = FallbackMilliseconds;
            }
            fixed (Libc.PollFd* first = fds)
                _ = Libc.poll(first, (nuint)fds.Length, timeout);
            if (fds[0].Returned != 0)
            {
                ulong count;
                _ = Libc.read(_wake, (byte*)&count, 8);
            }
            for (var i = 0; i < entries.Length; i++)
                if (fds[i + 1].Returned != 0 || (entries[i].Descriptor < 0 && !entries[i].Process!.IsAlive))
                    Complete(entries[i]);
        }
        lock (_gate)
            foreach (var entry in _entries)
            {
                if (entry.Descriptor >= 0)
                    _ = Libc.close(entry.Descriptor);
                entry.Ended.TrySetCanceled();
                entry.Spoken.TrySetCanceled();
            }
        _ = Libc.close(_wake);
    }

    void Complete(Entry entry)
    {
        lock (_gate)
            _entries.Remove(entry);
        if (entry.Process is { } process)
        {
            entry.Ended.TrySetResult(Reap(process.Pid));
        }
        else
        {
            byte value;
            entry.Spoken.TrySetResult(Libc.read(entry.Descriptor, &value, 1) == 1);
        }
        if (entry.Descriptor >= 0)
            _ = Libc.close(entry.Descriptor);
    }

    static int? Reap(int pid) => Libc.waitpid(pid, out var status, Libc.WaitNoHang) == pid ? status : null;

    sealed record Entry(int Descriptor, ProcessIdentity? Process)
    {
        internal TaskCompletionSource<int?> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal TaskCompletionSource<bool> Spoken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
