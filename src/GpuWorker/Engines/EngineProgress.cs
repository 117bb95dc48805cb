using Framelease.GpuWorker.Attempts;
using Framelease.Media.Probing;
using Framelease.Media.Progress;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Engines;

/// <summary>ffmpeg's progress against what the probe expects. By time where the length is known: frame counts of variable rates are guesses.</summary>
static class EngineProgress
{
    public static Progress Of(FfmpegProgress block, MediaInfo media)
    {
        var length = media.Video[0].Duration ?? media.Duration;
        var part = block.End ? 1
            : length is { } l && l > TimeSpan.Zero && block.OutTime > TimeSpan.Zero ? block.OutTime / l
            : media.TotalFrames > 0 ? (double)block.Frame / media.TotalFrames : 0;
        part = Math.Clamp(part, 0, 1);
        TimeSpan? remaining = length is { } whole && block.Speed > 0 ? whole * (1 - part) / block.Speed : null;
        return new Progress(
            WorkerPhase.Running, block.Frame, Math.Max(media.TotalFrames, block.Frame), Thousandths(block.Fps), Thousandths(block.Speed),
            (int)(part * 1000), block.TotalSize, Remaining: remaining);
    }

    static long Thousandths(double value) => (long)Math.Min(value * 1000, 1e12);
}
