using Framelease.GpuWorker;
using Framelease.GpuWorker.Attempts;
using Framelease.GpuWorker.Engines;
using Framelease.GpuWorker.Inputs;
using Framelease.GpuWorker.Outputs;
using Framelease.WorkerProtocol;

namespace Framelease.Simulation.Tests.World.Whole;

/// <summary>The engine of a worker: uses the device for a while; or fails, stands still, or never stops, whatever it is told.</summary>
sealed class SimEngine(WholeWorld world, SimPod pod, Temper temper) : IEngineRunner
{
    static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    readonly TimeProvider _time = pod.Process!.Clock;

    public void Check(EngineCall call, string contentType)
    {
        // Every engine of a world is installed.
    }

    public async Task<EngineResult> RunAsync(EngineJob job, ProgressBoard board, StopOrders orders)
    {
        world.Takes(pod, job.Device!);
        var started = _time.GetTimestamp();
        try
        {
            while (_time.GetElapsedTime(started) is var elapsed && (elapsed < temper.Work || temper.IsZombie))
            {
                var moved = Math.Max(0, (long)(elapsed - temper.StandsStill).TotalSeconds);
                board.Show(new Progress(WorkerPhase.Running, moved, TotalFrames: 100, Remaining: temper.Work - elapsed));
                await Task.Delay(Tick, _time, temper.IsZombie ? CancellationToken.None : orders.Token);
            }
        }
        catch (OperationCanceledException)
        {
            await EndAsync(orders);
            throw;
        }
        finally
        {
            world.Simulation.Say($"{pod.Name} leaves its device");
            pod.UsesDevice = false;
        }

        if (temper.Fails)
            throw WorkerFailedException.Of(FailCategory.Engine, FailReasons.EngineFailed, "it broke", retryable: true);
        var took = _time.GetElapsedTime(started);
        return new EngineResult("sim", "the only one", (long)took.TotalSeconds, took, took);
    }

    // Its processes end within the grace, sooner or later; an urgent order cuts a long grace short.
    async Task EndAsync(StopOrders orders)
    {
        var late = world.Simulation.Chance.NextDouble();
        var order = orders.Current!;
        try
        {
            await Task.Delay(order.Grace * late, _time, order.Kind is StopKind.Stopped ? orders.Urgent : CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            await Task.Delay(orders.Current!.Grace * late, _time);
        }
    }

    public Task<MediaFacts> DescribeAsync(EngineJob job, CancellationToken cancellation) =>
        Task.FromResult(new MediaFacts("mp4", "h264", 1920, 1080, 1000, null, 1000));
}

/// <summary>Nothing to bring.</summary>
sealed class SimInputs : IInputFetcher
{
    public Task<LocalInput> FetchAsync(
        Session session, Scratch scratch, ProgressBoard board, Func<bool> inContact, CancellationToken cancellation) =>
        Task.FromResult(new LocalInput("input", 1));
}

/// <summary>Puts a digest, after a while.</summary>
sealed class SimOutputs(WholeWorld world, SimPod pod) : IOutputUploader
{
    public async Task<Uploaded> UploadAsync(Session session, string path, Func<bool> inContact, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(world.Simulation.Chance.Next(1500)), pod.Process!.Clock, cancellation);
        var sha = $"{pod.Uid}";
        world.Objects.Put(session.Assignment.Output.Key, 1, sha);
        return new Uploaded(sha, 1);
    }
}
