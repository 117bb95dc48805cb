using Framelease.GpuWorker.Engines;
using Framelease.GpuWorker.Inputs;
using Framelease.GpuWorker.Outputs;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>The work of one attempt, from input to uploaded output. Reports nothing by itself: how it ends is its result or its exception.</summary>
sealed class AttemptRun(Session session, IEngineRunner engine, IInputFetcher inputs, IOutputUploader uploader, ProgressBoard board,
    StopOrders orders, FlightCheck flight, WorkerLog log)
{
    /// <exception cref="WorkerFailedException">The attempt failed.</exception>
    /// <exception cref="OperationCanceledException">A stop order was obeyed.</exception>
    public async Task<CompleteRequest> RunAsync(Scratch scratch, Func<bool> inContact)
    {
        var assignment = session.Assignment;
        engine.Check(assignment.Engine, assignment.Output.ContentType);
        using var input = await FetchAsync(scratch, inContact);
        orders.Token.ThrowIfCancellationRequested();
        flight.RequireClean();
        var job = new EngineJob(
            assignment.Engine, assignment.Device, assignment.Limits, assignment.Output.MaxBytes, assignment.Output.ContentType, input.Path,
            assignment.Input.DisplayUri, scratch.Output);
        var result = await EngineAsync(job);
        log.Line($"engine: {result.Frames} frames in {WorkerLog.Seconds(result.Wall)} ({WorkerLog.Seconds(result.Cpu)} of CPU)");
        board.Show(board.Current with { Phase = WorkerPhase.Uploading, PerMille = 1000, Remaining = null });
        var after = flight.AfterAsync(orders.Token);
        Uploaded uploaded;
        MediaFacts facts;
        try
        {
            (uploaded, facts) = await UploadAsync(job, inContact);
        }
        finally
        {
            await after;
        }

        return new CompleteRequest(
            uploaded.Sha256, uploaded.Bytes, session.Assignment.Output.Key, facts, result.Encoder, result.EncoderReason, result.Frames,
            (long)result.Wall.TotalMilliseconds, (long)result.Cpu.TotalMilliseconds, flight.Report);
    }

    // The device is looked at beside the download; both are over when this returns.
    async Task<LocalInput> FetchAsync(Scratch scratch, Func<bool> inContact)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(orders.Token);
        var before = flight.BeforeAsync(either.Token);
        try
        {
            return await inputs.FetchAsync(session, scratch, board, inContact, orders.Token);
        }
        catch
        {
            await either.CancelHereAsync();
            throw;
        }
        finally
        {
            await before;
        }
    }

    // An engine that failed is the likeliest to leave something behind.
    async Task<EngineResult> EngineAsync(EngineJob job)
    {
        try
        {
            return await engine.RunAsync(job, board, orders);
        }
        catch (WorkerFailedException) when (orders.Current is null)
        {
            await flight.AfterAsync(orders.Token);
            throw;
        }
    }

    // upload and probe side by side, because both take their time; an output that cannot be played ends the upload, too
    async Task<(Uploaded Uploaded, MediaFacts Facts)> UploadAsync(EngineJob job, Func<bool> inContact)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(orders.Token);
        var upload = uploader.UploadAsync(session, job.Output, inContact, either.Token);
        try
        {
            var facts = await engine.DescribeAsync(job, either.Token);
            return (await upload, facts);
        }
        catch
        {
            await either.CancelHereAsync();
            await upload.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
            throw;
        }
    }

    /// <summary>The store lost the bytes: once more.</summary>
    public Task<Uploaded> UploadAgainAsync(Scratch scratch) => uploader.UploadAsync(session, scratch.Output, static () => true, orders.Token);
}
