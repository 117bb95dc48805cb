namespace Framelease.Media.Running;

/// <summary>All that is known of a run when it has ended.</summary>
sealed record EndOfRun(int ExitCode, bool Stopped, TimeSpan Cpu, long OutputBytes, string Log, RunLimits Limits);

/// <summary>Turns exit code, signals and log into one category with a message for people. Pure; the log's words are ffmpeg's.</summary>
static class FailureClassifier
{
    const int Signal = 128;
    const int ExitOnSignal = 255; // ffmpeg caught SIGTERM or SIGXCPU and closed its files
    const int ExitOnManySignals = 123; // SIGXCPU comes every second until it has

    public static (MediaFailure? Failure, string Message) Classify(EndOfRun run)
    {
        if (run.ExitCode == 0)
        {
            // -fs ends the run without an error: an output at its limit is a cut one
            return run.Limits.OutputBytes > 0 && run.OutputBytes >= run.Limits.OutputBytes ? OutputLimit(run) : (null, "");
        }

        if (run.Stopped)
            return (MediaFailure.Failed, "ffmpeg was stopped");
        if (CpuExhausted(run))
        {
            return (MediaFailure.CpuLimit,
                $"The work needed more than the allowed {run.Limits.CpuSeconds} s of CPU time. Raise the engine's CPU limit, lower the height, "
                + "or choose a faster preset.");
        }

        if (run.ExitCode == Signal + 25 || Says(run, "File too large"))
            return OutputLimit(run);
        if (Says(run, "No space left on device", "Disk quota exceeded"))
            return (MediaFailure.NoSpace, "The disk that the output is written to is full. Free space there, or give the worker a larger scratch folder.");
        if (OutOfMemory(run))
        {
            return (MediaFailure.OutOfMemory, run.Limits.MemoryBytes > 0
                ? $"The work needed more than the allowed {run.Limits.MemoryBytes >> 20} MiB of memory. Raise the engine's memory limit, or lower height or threads."
                : "The machine ran out of memory. Lower height or threads, or use a larger machine.");
        }

        if (Says(run, "Unknown encoder"))
            return (MediaFailure.EncoderMissing, $"This ffmpeg was built without the encoder that is needed ({LastLine(run.Log)}). Install a full build of ffmpeg.");
        if (Says(run, "Cannot load libcuda", "Cannot load libnvidia-encode", "CUDA_ERROR", "OpenEncodeSessionEx failed", "No capable devices found",
            "No NVENC capable devices", "Driver does not support the required nvenc"))
        {
            return (MediaFailure.Gpu, $"The device or its driver refused to encode: {LastLine(run.Log)}");
        }

        if (Says(run, "Invalid data found when processing input", "moov atom not found", "does not contain any stream", "not on whitelist"))
            return (MediaFailure.Unreadable, $"The input could not be decoded: {LastLine(run.Log)}");
        return (MediaFailure.Failed, run.ExitCode > Signal && run.ExitCode != ExitOnSignal
            ? $"ffmpeg was ended by signal {run.ExitCode - Signal}. {LastLine(run.Log)}".TrimEnd()
            : $"ffmpeg ended with code {run.ExitCode}: {LastLine(run.Log)}");
    }

    static (MediaFailure, string) OutputLimit(EndOfRun run) =>
        (MediaFailure.OutputLimit,
            $"The output reached the allowed {run.Limits.OutputBytes} bytes before the end. Raise crf or lower bitrateKbps or height, or raise the engine's output limit.");

    static bool CpuExhausted(EndOfRun run) =>
        run.Limits.CpuSeconds > 0
        && (run.ExitCode == Signal + 24
            || (run.ExitCode is ExitOnSignal or ExitOnManySignals or Signal + 9 && run.Cpu.TotalSeconds >= run.Limits.CpuSeconds - 1));

    // SIGKILL that is not ours is the kernel's out-of-memory killer in nearly every case
    static bool OutOfMemory(EndOfRun run) =>
        run.ExitCode == Signal + 9
        || Says(run, "Cannot allocate memory", "Out of memory", "malloc of size", "Failed to allocate", "failed to map segment", "std::bad_alloc",
            "Unable to allocate");

    static bool Says(EndOfRun run, params ReadOnlySpan<string> words)
    {
        foreach (var word in words)
        {
            if (run.Log.Contains(word, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    static string LastLine(string log)
    {
        var line = log.TrimEnd().Split('\n')[^1].Trim();
        return line.Length == 0 ? "it gave no reason" : line.Length > 300 ? line[..300] : line;
    }
}
