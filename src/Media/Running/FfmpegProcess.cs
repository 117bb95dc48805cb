using Framelease.Media.Progress;

namespace Framelease.Media.Running;

/// <summary>How a run ended.</summary>
/// <param name="ExitCode">ffmpeg's own, or 128 + signal.</param>
/// <param name="Failure">Null when the output is complete.</param>
/// <param name="Message">With a failure: what is wrong and how to mend it.</param>
/// <param name="Stopped">True when <see cref="FfmpegProcess.StopAsync"/> was called before the end.</param>
/// <param name="Cpu">User and system time of the run.</param>
/// <param name="LogTail">Last lines of ffmpeg's log, at most 4 KB.</param>
public sealed record FfmpegResult(
    int ExitCode, MediaFailure? Failure, string Message, bool Stopped, TimeSpan Wall, TimeSpan Cpu, FfmpegProgress Last, string LogTail);

/// <summary>
/// A running ffmpeg, in its own process group. It ends by itself or by <see cref="StopAsync"/>; disposing kills it.
/// Runs of one process follow one another: CPU time is counted over all children that end meanwhile.
/// </summary>
public sealed class FfmpegProcess : IDisposable
{
    const int MaxLine = 512;
    readonly ChildProcess _child;
    readonly FfmpegCommand _command;
    readonly TimeProvider _time;
    readonly Action<FfmpegProgress> _onProgress;
    readonly LogTail _tail = new();
    readonly long _started;
    readonly TimeSpan _cpuBefore;
    FfmpegProgress _last = FfmpegProgress.None;
    bool _stopAsked;

    FfmpegProcess(ChildProcess child, FfmpegCommand command, Action<FfmpegProgress> onProgress, TimeProvider time, TimeSpan cpuBefore)
    {
        _child = child;
        _command = command;
        _time = time;
        _onProgress = onProgress;
        _cpuBefore = cpuBefore;
        _started = time.GetTimestamp();
        Completion = FollowAsync();
    }

    /// <summary>Never faults: failures are in the result.</summary>
    public Task<FfmpegResult> Completion { get; }

    public int ProcessId => _child.Id;

    /// <param name="onProgress">Called for every progress block (about twice a second), one at a time; must not throw.</param>
    /// <exception cref="MediaException">The program could not be started.</exception>
    public static FfmpegProcess Start(FfmpegPrograms programs, FfmpegCommand command, Action<FfmpegProgress> onProgress, TimeProvider time)
    {
        var cpu = Native.ChildrenCpu();
        var child = ChildProcess.Start(programs, programs.Ffmpeg, command.ToArguments(), command.Limits, command.Environment);
        return new FfmpegProcess(child, command, onProgress, time, cpu);
    }

    /// <summary>SIGTERM, at most <paramref name="grace"/>, then SIGKILL to the whole group. Returns when the process is gone; idempotent.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _stopAsked = true;
        _child.Terminate();
        try
        {
            await Completion.WaitAsync(grace, _time);
        }
        catch (TimeoutException)
        {
            _child.Kill();
            await Completion;
        }
    }

    // the pipes are still being read: what follows them disposes the rest
    public void Dispose() => _child.Kill();

    async Task<FfmpegResult> FollowAsync()
    {
        var log = _tail.ReadAllAsync(_child.Error);
        await ReadProgressAsync();
        await log;
        await _child.Exited;
        var wall = _time.GetElapsedTime(_started);
        var cpu = Native.ChildrenCpu() - _cpuBefore;
        var tail = _tail.ToString();
        var bytes = new FileInfo(_command.Output) is { Exists: true } file ? file.Length : 0;
        var ended = new EndOfRun(_child.ExitCode, _stopAsked, cpu, bytes, tail, _command.Limits);
        var (failure, message) = FailureClassifier.Classify(ended);
        _child.Dispose();
        return new FfmpegResult(ended.ExitCode, failure, message, _stopAsked, wall, cpu, _last, tail);
    }

    async Task ReadProgressAsync()
    {
        var parser = new ProgressParser();
        var buffer = new byte[4096];
        var line = new char[MaxLine];
        var length = 0;
        int read;
        while ((read = await _child.Output.ReadAsync(buffer)) > 0)
        {
            foreach (var b in buffer.AsSpan(0, read))
            {
                if (b != '\n')
                {
                    // an over-long line is cut: the parser passes over what it does not know
                    if (length < MaxLine)
                        line[length++] = (char)b;
                    continue;
                }

                var block = parser.Feed(line.AsSpan(0, length));
                length = 0;
                if (block is null)
                    continue;
                _last = block;
                _onProgress(block);
            }
        }
    }
}
