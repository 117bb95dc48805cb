namespace Framelease.Media.Progress;

/// <summary>One block of ffmpeg's <c>-progress</c> output. What ffmpeg does not know yet (N/A) is zero.</summary>
/// <param name="Frame">Frames encoded so far.</param>
/// <param name="Fps">Frames per second, as ffmpeg averages it.</param>
/// <param name="OutTime">Time stamp reached in the output.</param>
/// <param name="Speed">Output time per wall time; 1 is real time.</param>
/// <param name="TotalSize">Bytes written so far.</param>
/// <param name="End">True in the last block of a run that ended by itself.</param>
public sealed record FfmpegProgress(
    long Frame, double Fps, TimeSpan OutTime, double Speed, long TotalSize, long DroppedFrames, long DuplicatedFrames, bool End)
{
    public static FfmpegProgress None { get; } = new(0, 0, TimeSpan.Zero, 0, 0, 0, 0, End: false);
}
