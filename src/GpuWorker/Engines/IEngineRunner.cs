using Framelease.GpuWorker.Attempts;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Engines;

/// <summary>What an engine gets.</summary>
/// <param name="Input">Path of a local file that is ours or that we hold open.</param>
/// <param name="InputName">What to call it in messages.</param>
/// <param name="Output">Path to write.</param>
sealed record EngineJob(
    EngineCall Call, LeasedDevice? Device, Limits Limits, long MaxOutputBytes, string ContentType, string Input, string InputName, string Output);

/// <param name="Encoder">What ran, for example <c>libx264</c>.</param>
/// <param name="EncoderReason">Why that one.</param>
sealed record EngineResult(string Encoder, string EncoderReason, long Frames, TimeSpan Wall, TimeSpan Cpu);

/// <summary>The program that does the work. A port: the real one starts ffmpeg, the simulated one does not.</summary>
interface IEngineRunner
{
    /// <summary>Refuses what cannot run, before anything is fetched.</summary>
    /// <exception cref="WorkerFailedException">Unknown engine, wrong parameter, missing program.</exception>
    void Check(EngineCall call, string contentType);

    /// <summary>Probes the input and runs. On a stop order it ends its processes within the order's grace first.</summary>
    /// <exception cref="WorkerFailedException">The attempt failed.</exception>
    /// <exception cref="OperationCanceledException">A stop order was obeyed; no process is left.</exception>
    Task<EngineResult> RunAsync(EngineJob job, ProgressBoard board, StopOrders orders);

    /// <summary>Facts about the output.</summary>
    Task<MediaFacts> DescribeAsync(EngineJob job, CancellationToken cancellation);
}
