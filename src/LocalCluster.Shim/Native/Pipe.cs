using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.Shim.Native;

/// <summary>A pipe whose ends no child inherits by accident.</summary>
static unsafe class Pipe
{
    internal static (int Reading, int Writing) Open()
    {
        var ends = stackalloc int[2];
        if (Libc.pipe2(ends, Libc.CloseOnExec) != 0)
            throw new IOException($"pipe2: {Libc.Describe(Marshal.GetLastPInvokeError())}");
        return (ends[0], ends[1]);
    }
}
