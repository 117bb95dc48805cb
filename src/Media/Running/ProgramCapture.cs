namespace Framelease.Media.Running;

/// <summary>Runs a short program to its end and keeps its (bounded) answer.</summary>
static class ProgramCapture
{
    public sealed record Captured(int ExitCode, ReadOnlyMemory<byte> Output, bool OutputCut, string LogTail, bool TimedOut);

    public static async Task<Captured> RunAsync(
        FfmpegPrograms programs, string program, IEnumerable<string> arguments, RunLimits limits, TimeSpan maxTime, int maxOutputBytes,
        TimeProvider time, CancellationToken cancellation, IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = ChildProcess.Start(programs, program, arguments, limits, environment);
        var tail = new LogTail();
        var log = tail.ReadAllAsync(process.Error);
        using var deadline = new CancellationTokenSource(maxTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        await using var kill = either.Token.Register(process.Kill);
        var (output, cut) = await ReadAsync(process.Output, maxOutputBytes);
        if (cut)
            process.Kill();
        await process.Exited;
        await log;
        cancellation.ThrowIfCancellationRequested();
        return new Captured(process.ExitCode, output, cut, tail.ToString(), deadline.IsCancellationRequested);
    }

    static async Task<(ReadOnlyMemory<byte> Output, bool Cut)> ReadAsync(Stream stream, int max)
    {
        var memory = new MemoryStream();
        var buffer = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            if (memory.Length + read > max)
                return (memory.GetBuffer().AsMemory(0, (int)memory.Length), true);
            memory.Write(buffer, 0, read);
        }

        return (memory.GetBuffer().AsMemory(0, (int)memory.Length), false);
    }
}
