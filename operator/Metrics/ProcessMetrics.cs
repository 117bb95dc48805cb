using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Framelease.Operator.Metrics;

/// <summary>This process under the names that every Prometheus dashboard knows (process_resident_memory_bytes …).</summary>
sealed class ProcessMetrics : IDisposable
{
    readonly Meter _meter = new("Framelease.Process");
    readonly Process _process = Process.GetCurrentProcess();
    readonly double _started;

    public ProcessMetrics()
    {
        _started = new DateTimeOffset(_process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        _meter.CreateObservableCounter("process.cpu", () => Fresh().TotalProcessorTime.TotalSeconds, "s", "User and system time");
        _meter.CreateObservableGauge("process.resident_memory", () => Fresh().WorkingSet64, "By", "Resident memory");
        _meter.CreateObservableGauge("process.start_time", () => _started, "s", "Start, in Unix seconds");
        _meter.CreateObservableGauge("process.threads", () => Fresh().Threads.Count, description: "Threads of the operating system");
        _meter.CreateObservableGauge("process.open_fds", OpenFiles, description: "Open file descriptors");
    }

    public void Dispose()
    {
        _meter.Dispose();
        _process.Dispose();
    }

    Process Fresh()
    {
        _process.Refresh();
        return _process;
    }

    static IEnumerable<Measurement<int>> OpenFiles() =>
        OperatingSystem.IsLinux() ? [new Measurement<int>(Directory.EnumerateFileSystemEntries("/proc/self/fd").Count())] : [];
}
