using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.GpuWorker.Engines;
using Framelease.GpuWorker.Inputs;
using Framelease.GpuWorker.Outputs;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>The worker's life: attach, work with a beating heart, tell the result, leave nothing behind.</summary>
sealed class Worker(
    WorkerOptions options, string version, IWorkerApi api, IEngineRunner engine, IDeviceReader devices,
    IOwnProcesses processes, IInputFetcher inputs, IOutputUploader uploader, WorkerLog log, TimeProvider time, Random chance)
{
    static readonly TimeSpan TerminationGrace = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LastWord = TimeSpan.FromSeconds(5);

    /// <param name="terminate">Cancelled by SIGTERM.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(CancellationToken terminate)
    {
        log.Line($"framelease-worker {version}: pod {options.Namespace}/{options.PodName} on {options.NodeName}");
        AttachRequest request;
        AttachResult attach;
        try
        {
            request = new AttachRequest(
                version, options.PodName, options.Namespace, options.PodUid, options.NodeName, await SeenAsync(terminate), options.BootId,
                ProtocolVersion.Current.ToString());
            attach = await new AttachLoop(api, log, time, chance).RunAsync(request, options.AttachWithin, terminate);
        }
        catch (OperationCanceledException)
        {
            log.Line("ended by SIGTERM before attach");
            return ExitCode.Terminated;
        }

        switch (attach)
        {
            case AttachResult.Attached(var assignment):
                return await WorkAsync(new Session(api, request, assignment, log), terminate);
            case AttachResult.Stale(var detail):
                log.Line($"attach: this pod's attempt is over ({detail})");
                return ExitCode.Stale;
            case AttachResult.GaveUp(var why):
                log.Line($"attach: given up, {why}");
                return ExitCode.NotStarted;
            default:
                throw new InvalidOperationException("attach ends in one of three ways");
        }
    }

    // What the runtime was told to show is for certain; where that names none, the driver lists what this container can reach.
    async Task<IReadOnlyList<string>?> SeenAsync(CancellationToken stop)
    {
        if (!options.ReportsDevices)
            return options.DeviceHint is { } hint ? [hint] : null;
        if (options.ShownDevices.Count > 0)
            return options.ShownDevices;
        return await devices.ListAsync(stop) is { } seen ? [.. seen.Select(d => d.Id)] : null;
    }

    async Task<int> WorkAsync(Session session, CancellationToken terminate)
    {
        var attempt = session.Assignment.Attempt;
        var device = session.Assignment.Device is { } d ? $"device {d.Id} ({d.Kind}), slot token {attempt.SlotToken}" : "no device";
        log.Line($"attached: task {attempt.TaskUid} scene {attempt.Scene} attempt {attempt.Attempt}, {device}");
        using var orders = new StopOrders();
        await using var onTerminate = terminate.Register(() => orders.Give(new StopOrder(StopKind.Terminated, TerminationGrace, "SIGTERM")));
        using var heartStop = new CancellationTokenSource();
        var board = new ProgressBoard();
        // Software slots have nothing to read.
        var telemetry = new TelemetryLoop(devices, session.Assignment.Device is { Kind: "Gpu" } gpu ? gpu.Id : null, time);
        var heart = new Heart(session, api, board, telemetry, orders, log, time, chance);
        var reading = telemetry.RunAsync(heartStop.Token);
        var beating = heart.RunAsync(heartStop.Token);
        var flight = new FlightCheck(session, new DeviceCheck(devices, processes, time), board, log);
        var run = new AttemptRun(session, engine, inputs, uploader, board, orders, flight, log);
        var delivery = new Delivery(api, session, log, time, chance);
        try
        {
            using var scratch = Scratch.Create(options.Scratch, options.PodUid);
            var complete = await run.RunAsync(scratch, () => heart.InContact);
            orders.Token.ThrowIfCancellationRequested();
            await StopHeartAsync();
            return await CompleteAsync(run, scratch, delivery, complete, terminate);
        }
        catch (OperationCanceledException) when (orders.Current is not null)
        {
            await StopHeartAsync();
            return await ObeyAsync(orders.Current, delivery);
        }
        catch (WorkerFailedException e)
        {
            await StopHeartAsync();
            // the failure of work that was being stopped says nothing
            return orders.Current is { } order
                ? await ObeyAsync(order, delivery)
                : await FailAsync(delivery, e.Failure with { Probes = flight.Report }, terminate);
        }
#pragma warning disable CA1031 // the last line of defence: whatever it is, the operator is told and the slot is given back
        catch (Exception e)
#pragma warning restore CA1031
        {
            await StopHeartAsync();
            log.Line($"internal error: {e}");
            var message = $"The worker met an unexpected error ({e.GetType().Name}: {e.Message}). Its log has more; please report it.";
            return await FailAsync(delivery, WorkerFailedException.Of(FailCategory.Internal, FailReasons.Internal, message, retryable: true).Failure, terminate);
        }
        finally
        {
            await StopHeartAsync();
        }

        async Task StopHeartAsync()
        {
            await heartStop.CancelHereAsync();
            await beating;
            await reading;
        }
    }

    async Task<int> CompleteAsync(AttemptRun run, Scratch scratch, Delivery delivery, CompleteRequest complete, CancellationToken terminate)
    {
        using var last = new LastWords(terminate, LastWord, time);
        try
        {
            var (outcome, detail) = await delivery.CompleteAsync(complete, last.Token);
            if (outcome == Delivered.OutputMissing)
            {
                await run.UploadAgainAsync(scratch);
                (outcome, detail) = await delivery.CompleteAsync(complete, last.Token);
            }

            switch (outcome)
            {
                case Delivered.Accepted:
                    log.Line($"complete: {detail}");
                    return ExitCode.Completed;
                case Delivered.Stale:
                    return ExitCode.Stale;
                case Delivered.Conflicting:
                    return ExitCode.Failed;
                default:
                    return await FailAsync(
                        delivery,
                        WorkerFailedException.Of(
                            FailCategory.Storage, FailReasons.OutputNotWritable, $"The operator did not accept the uploaded output: {detail}", retryable: true).Failure,
                        terminate);
            }
        }
        catch (OperationCanceledException)
        {
            log.Line("ended by SIGTERM before the operator took the result");
            return ExitCode.Terminated;
        }
    }

    async Task<int> ObeyAsync(StopOrder order, Delivery delivery)
    {
        switch (order.Kind)
        {
            case StopKind.Stale:
                log.Line($"stopped: another holder has this slot by now ({order.Reason}); nothing more is written");
                return ExitCode.Stale;
            case StopKind.Terminated:
                log.Line("stopped: SIGTERM");
                await FailAsync(delivery, Stopped("The worker's pod was told to end (SIGTERM)."), new CancellationToken(canceled: true));
                return ExitCode.Terminated;
            case StopKind.LostContact:
                log.Line($"stopped: {order.Reason}");
                return await FailAsync(delivery, Stopped($"The worker stopped by itself: {order.Reason}."), CancellationToken.None);
            default:
                log.Line($"stopped: {order.Reason}");
                return await FailAsync(delivery, Stopped($"Stopped on the operator's command: {order.Reason}."), CancellationToken.None);
        }
    }

    async Task<int> FailAsync(Delivery delivery, FailRequest failure, CancellationToken terminate)
    {
        log.Line($"failed: {failure.Reason}: {failure.Message}");
        if (failure.LogTail is { Length: > 0 } tail)
        {
            foreach (var line in tail.TrimEnd().Split('\n').TakeLast(5))
                log.Line($"  ffmpeg: {line}");
        }

        using var last = new LastWords(terminate, LastWord, time);
        try
        {
            return await delivery.FailAsync(failure, last.Token) == Delivered.Stale ? ExitCode.Stale : ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return terminate.IsCancellationRequested ? ExitCode.Terminated : ExitCode.Failed;
        }
    }

    static FailRequest Stopped(string message) => new(FailCategory.Cancelled, FailReasons.Stopped, message, Retryable: true, null);
}
