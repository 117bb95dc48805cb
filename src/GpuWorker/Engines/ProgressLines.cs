using System.Globalization;
using Framelease.GpuWorker.Attempts;

namespace Framelease.GpuWorker.Engines;

/// <summary>One line of progress about every two seconds.</summary>
sealed class ProgressLines(WorkerLog log, TimeProvider time)
{
    static readonly TimeSpan Between = TimeSpan.FromSeconds(1.9);
    long? _last;

    public void Show(Progress progress, bool end)
    {
        if (end || progress.Frames == 0 || (_last is { } last && time.GetElapsedTime(last) < Between))
            return;
        _last = time.GetTimestamp();
        var remaining = progress.Remaining is { } left ? $"  eta {Math.Ceiling(left.TotalSeconds):0} s" : "";
        var total = progress.TotalFrames > progress.Frames ? $"/{progress.TotalFrames}" : "";
        log.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"running: {progress.PerMille / 10.0,5:0.0} %  frame {progress.Frames}{total}  {progress.FpsMillis / 1000.0:0} fps  {progress.SpeedMillis / 1000.0:0.00}x{remaining}"));
    }
}
