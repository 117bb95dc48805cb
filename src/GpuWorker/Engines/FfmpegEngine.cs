using System.Globalization;
using Framelease.GpuWorker.Attempts;
using Framelease.Media;
using Framelease.Media.Probing;
using Framelease.Media.Progress;
using Framelease.Media.Running;
using Framelease.Media.Transcoding;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Engines;

/// <summary>Driver <c>FfmpegTranscode</c>: one input, one output, by the real ffmpeg.</summary>
sealed class FfmpegEngine(Func<string, string?> environment, WorkerLog log, TimeProvider time) : IEngineRunner
{
    public const string Kind = "FfmpegTranscode";
    static readonly TimeSpan UrgentGrace = TimeSpan.FromSeconds(2);
    readonly Lazy<FfmpegPrograms> _programs = new(() => FfmpegLocator.Find(environment));

    public void Check(EngineCall call, string contentType)
    {
        if (call.Kind != Kind)
        {
            throw WorkerFailedException.Of(
                FailCategory.Engine, FailReasons.EngineNotInstalled,
                $"Engine '{call.Name}' wants the driver '{call.Kind}', which this worker does not have (it has {Kind}). Use a newer worker image.", retryable: false);
        }

        Translate(limited: false, () =>
        {
            TranscodeParameters.Parse(call.Parameters);
            _ = _programs.Value;
            _ = Container(contentType);
        });
    }

    public async Task<EngineResult> RunAsync(EngineJob job, ProgressBoard board, StopOrders orders)
    {
        try
        {
            var (plan, media, encoder) = await PlanAsync(job, board, orders.Token);
            return await EncodeAsync(job, plan, media, encoder, board, orders);
        }
        catch (MediaException e)
        {
            throw WorkerFailedException.From(e, job.Limits.MemoryBytes > 0);
        }
    }

    public async Task<MediaFacts> DescribeAsync(EngineJob job, CancellationToken cancellation)
    {
        try
        {
            var name = Container(job.ContentType) == OutputContainer.WebM ? "output.webm" : "output.mp4";
            var media = await new FfprobeReader(_programs.Value, time).ReadAsync(job.Output, name, cancellation);
            var video = media.Video[0];
            return new MediaFacts(
                media.Container, video.Codec, video.DisplayWidth, video.DisplayHeight, (long)(media.Duration ?? TimeSpan.Zero).TotalMilliseconds,
                media.Audio.Count > 0 ? media.Audio[0].Codec : null, media.BitRate);
        }
        catch (MediaException e)
        {
            throw WorkerFailedException.Of(FailCategory.Engine, FailReasons.EngineFailed, $"ffmpeg's output is not playable: {e.Message}", retryable: true, e);
        }
    }

    async Task<(TranscodePlan Plan, MediaInfo Media, EncoderChoice Encoder)> PlanAsync(EngineJob job, ProgressBoard board, CancellationToken cancellation)
    {
        board.Show(new Progress(WorkerPhase.Probing));
        var media = await new FfprobeReader(_programs.Value, time).ReadAsync(job.Input, job.InputName, cancellation);
        log.Line($"input: {Shown(media)}");
        var parameters = TranscodeParameters.Parse(job.Call.Parameters);
        var gpu = job.Device?.Kind == "Gpu";
        var device = gpu ? job.Device!.Id : null;
        var encoder = await new EncoderSelector(_programs.Value, time).ChooseAsync(parameters.Codec, gpu, device, cancellation);
        var limits = new RunLimits(job.Limits.CpuSeconds, job.Limits.MemoryBytes, job.MaxOutputBytes);
        var plan = TranscodePlan.Build(
            new TranscodeRequest(parameters, encoder, Container(job.ContentType), limits, job.Limits.Threads, encoder.Hardware ? device : null),
            media, job.Input, job.Output);
        log.Line($"engine: {job.Call.Name} with {encoder.Encoder} ({encoder.Why})");
        foreach (var note in plan.Notes.Append(limits.Gap(_programs.Value)).OfType<string>())
            log.Line($"note: {note}");
        return (plan, media, encoder);
    }

    async Task<EngineResult> EncodeAsync(
        EngineJob job, TranscodePlan plan, MediaInfo media, EncoderChoice encoder, ProgressBoard board, StopOrders orders)
    {
        orders.Token.ThrowIfCancellationRequested();
        var lines = new ProgressLines(log, time);
        board.Show(new Progress(WorkerPhase.Running, TotalFrames: media.TotalFrames));
        using var process = FfmpegProcess.Start(
            _programs.Value, plan.Command,
            block =>
            {
                var progress = EngineProgress.Of(block, media);
                board.Show(progress);
                lines.Show(progress, block.End);
            },
            time);
        Task? stopping = null;
        await using var onOrder = orders.Token.Register(() => stopping = process.StopAsync(orders.Current!.Grace));
        await using var onUrgent = orders.Urgent.Register(() => _ = process.StopAsync(orders.Current!.Grace < UrgentGrace ? orders.Current.Grace : UrgentGrace));
        var result = await process.Completion;
        if (stopping is not null)
            await stopping;
        if (orders.Current is not null && result.Failure is not null)
            throw new OperationCanceledException(orders.Token);
        if (result.Failure is { } failure)
            throw new MediaException(failure, result.Message, result.LogTail);
        TruncatedInput.Refuse(job.InputName, media, result);
        return new EngineResult(encoder.Encoder, encoder.Why, result.Last.Frame, result.Wall, result.Cpu);
    }

    static OutputContainer? Container(string contentType) => contentType.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        "video/mp4" => OutputContainer.Mp4,
        "video/webm" => OutputContainer.WebM,
        "" or "application/octet-stream" => null,
        _ => throw new MediaException(
            MediaFailure.ParameterInvalid, $"The output type '{contentType}' is none that this engine writes: video/mp4 or video/webm."),
    };

    static void Translate(bool limited, Action action)
    {
        try
        {
            action();
        }
        catch (MediaException e)
        {
            throw WorkerFailedException.From(e, limited);
        }
    }

    static string Shown(MediaInfo media)
    {
        var video = media.Video[0];
        var length = media.Duration is { } d ? WorkerLog.Seconds(d) : "unknown length";
        var audio = media.Audio.Count > 0 ? media.Audio[0].Codec : "no sound";
        return string.Create(
            CultureInfo.InvariantCulture, $"{media.Container}, {video.Codec} {video.DisplayWidth}x{video.DisplayHeight}, {video.FrameRate:0.##} fps, {length}, {audio}");
    }
}
