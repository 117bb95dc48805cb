namespace Framelease.Media.Running;

/// <summary>What one run may use. 0 = unlimited.</summary>
/// <param name="CpuSeconds">CPU time of the process, all threads together.</param>
/// <param name="MemoryBytes">Private memory of the process (RLIMIT_DATA: heap and anonymous maps, not the program's own files).</param>
/// <param name="OutputBytes">Largest output file.</param>
public sealed record RunLimits(long CpuSeconds, long MemoryBytes, long OutputBytes)
{
    public static RunLimits None { get; } = new(0, 0, 0);

    /// <summary>The program and arguments that start <paramref name="program"/> under these limits, in a process group of its own.</summary>
    internal (string Program, List<string> Arguments) Wrap(FfmpegPrograms programs, string program, IEnumerable<string> arguments)
    {
        List<string> line = [];
        if (programs.Setsid is { } setsid)
            line.Add(setsid);
        if (programs.Prlimit is { } prlimit)
        {
            line.AddRange([prlimit, "--core=0"]);
            // soft: SIGXCPU, which ffmpeg answers by closing its files; hard: SIGKILL by the kernel
            if (CpuSeconds > 0)
                line.Add($"--cpu={CpuSeconds}:{CpuSeconds + 5}");
            if (MemoryBytes > 0)
                line.Add($"--data={MemoryBytes}");
            // -fs stops near the limit by itself; this is for the muxer that does not
            if (OutputBytes > 0)
                line.Add($"--fsize={OutputBytes + (OutputBytes / 8) + (16L << 20)}");
            line.Add("--");
        }

        line.Add(program);
        line.AddRange(arguments);
        return (line[0], line[1..]);
    }

    /// <summary>What cannot be enforced on this machine, for the log; null when all can.</summary>
    public string? Gap(FfmpegPrograms programs) =>
        programs.Prlimit is null && (CpuSeconds > 0 || MemoryBytes > 0)
            ? "limits on CPU time and memory are not enforced: the program 'prlimit' (Debian: util-linux) was not found"
            : null;
}
