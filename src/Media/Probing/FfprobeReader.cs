using Framelease.Media.Running;

namespace Framelease.Media.Probing;

/// <summary>Asks ffprobe what a local file is. Bounded in time, CPU, memory and output, because the file comes from outside.</summary>
public sealed class FfprobeReader(FfmpegPrograms programs, TimeProvider time)
{
    const int MaxAnswerBytes = 2 * 1024 * 1024;
    static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(20);
    static readonly RunLimits ProbeLimits = new(CpuSeconds: 30, MemoryBytes: 2L << 30, OutputBytes: 0);

    /// <param name="path">Absolute path of a local file.</param>
    /// <param name="shownName">What to call the file in messages; never a path of ours.</param>
    /// <exception cref="MediaException">NotFound, Empty, Unreadable, NoVideo or TimedOut.</exception>
    public async Task<MediaInfo> ReadAsync(string path, string shownName, CancellationToken cancellation)
    {
        RefuseAbsentOrEmpty(path, shownName);
        List<string> arguments =
        [
            "-v", "error", "-print_format", "json", "-show_format", "-show_streams",
            .. SafeInput.Options, "-i", SafeInput.Name(path),
        ];
        var result = await ProgramCapture.RunAsync(programs, programs.Ffprobe, arguments, ProbeLimits, MaxTime, MaxAnswerBytes, time, cancellation);
        if (result.TimedOut)
        {
            throw new MediaException(
                MediaFailure.TimedOut, $"ffprobe could not make sense of {shownName} within {MaxTime.TotalSeconds:0} s.", result.LogTail);
        }

        if (result.ExitCode != 0)
            throw Unreadable(shownName, path, result.LogTail);
        if (result.OutputCut)
            throw new MediaException(MediaFailure.Unreadable, $"{shownName} describes too many streams.", result.LogTail);
        return FfprobeParser.Parse(result.Output, shownName);
    }

    static MediaException Unreadable(string shownName, string path, string log)
    {
        var why = LastLine(log).Replace(SafeInput.Name(path), shownName, StringComparison.Ordinal);
        if (log.Contains("not on whitelist", StringComparison.Ordinal))
        {
            return new MediaException(
                MediaFailure.NoVideo,
                $"{shownName} is in a format that is not accepted as video input ({why}). Accepted: {SafeInput.FormatsForPeople}.", log);
        }

        var hint = log.Contains("moov atom not found", StringComparison.Ordinal)
            ? "the file was cut off or its recording never finished (its index is missing)"
            : why.Length == 0 ? "it is not a media file" : why;
        return new MediaException(
            MediaFailure.Unreadable,
            $"{shownName} could not be read as video: {hint}. Check the file with 'ffprobe', or give another one.", log);
    }

    static void RefuseAbsentOrEmpty(string path, string shownName)
    {
        try
        {
            using var handle = File.OpenHandle(path); // opened, because the size of /proc/…/fd/N itself is that of a link
            if (RandomAccess.GetLength(handle) == 0)
                throw new MediaException(MediaFailure.Empty, $"{shownName} has zero bytes. Check that its upload or recording was finished.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MediaException(MediaFailure.NotFound, $"{shownName} is not there.", inner: e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new MediaException(MediaFailure.Unreadable, $"{shownName} may not be read by the worker, or is a folder.", inner: e);
        }
    }

    static string LastLine(string log)
    {
        var line = log.TrimEnd().Split('\n')[^1].Trim();
        return line.Length > 200 ? line[..200] : line;
    }
}
