using Framelease.Devices;
using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Attempts;

/// <summary>
/// Beats: at every change of phase, every <c>progressIntervalSeconds</c> while something moves, and every <c>heartbeatIntervalSeconds</c> in any case.
/// The reply brings commands. Lost contact does not touch the work (R5): the heart backs off and goes on trying, unless the assignment says
/// after how long without contact the worker is to stop.
/// </summary>
sealed class Heart(
    Session session, IWorkerApi api, ProgressBoard board, TelemetryLoop telemetry, StopOrders orders, WorkerLog log, TimeProvider time, Random chance)
{
    const int MaxMessage = 256;
    readonly Backoff _backoff = new(chance, TimeSpan.FromSeconds(1), LostContact.Pause(session.Assignment.HeartbeatTimeoutSeconds));
    long _sequence;
    ITimer? _limit;
    long? _lostSince;
    long _contactAt = time.GetTimestamp();
    bool _refusalSaid;
    (long Since, TimeSpan Grace, string Reason)? _drain;

    /// <summary>True while the last beat was answered.</summary>
    public bool InContact => _lostSince is null;

    /// <summary>Beats until cancelled. Never throws.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        // A timer of its own: a beat that hangs, or a long back-off, must not put the stop off.
        await using var limit = time.CreateTimer(_ => CheckContact(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _limit = limit;
        CheckContact();
        Progress? sent = null;
        var sentAt = time.GetTimestamp();
        while (!stop.IsCancellationRequested && orders.Current?.Kind != StopKind.Stale)
        {
            var now = board.Current;
            int? phases = board.Phases;
            var wait = Tick();
            if (now != sent || time.GetElapsedTime(sentAt) >= Interval())
            {
                sentAt = time.GetTimestamp();
                if (await BeatAsync(now, stop) is { } backoff)
                    (wait, phases, sent) = (backoff, null, null);
                else
                    sent = now;
            }

            CheckDrain();
            await board.WaitAsync(phases, wait, time, stop);
        }
    }

    TimeSpan Interval() => TimeSpan.FromSeconds(session.Assignment.HeartbeatIntervalSeconds);

    TimeSpan Tick()
    {
        var progress = TimeSpan.FromSeconds(Math.Clamp(session.Assignment.ProgressIntervalSeconds, 1, 3600));
        return progress < Interval() ? progress : Interval();
    }

    /// <returns>How long to wait when there was no contact, else null.</returns>
    async Task<TimeSpan?> BeatAsync(Progress now, CancellationToken stop)
    {
        var message = now.Message is { Length: > MaxMessage } text ? text[..MaxMessage] : now.Message;
        var beat = new BeatRequest(
            ++_sequence, now.Phase, now.Frames, now.TotalFrames, now.FpsMillis, now.SpeedMillis, now.PerMille, now.OutputBytes, message,
            telemetry.Current is { } d
                ? new DeviceTelemetry(d.UtilisationPercent, d.MemoryUsedMiB, d.MemoryTotalMiB, d.TemperatureCelsius) : null);
        var asked = time.GetTimestamp();
        ApiAnswer<BeatReply> answer;
        try
        {
            answer = await api.BeatAsync(
                session.Assignment.Credential, beat, LostContact.Call(session.Assignment.HeartbeatTimeoutSeconds), stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        switch (answer)
        {
            case ApiAnswer<BeatReply>.Ok(var reply):
                Volatile.Write(ref _contactAt, asked);
                Found();
                Obey(reply);
                return null;
            case ApiAnswer<BeatReply>.Refused { Reason: RefusalReasons.StaleHolder } stale:
                orders.Give(new StopOrder(StopKind.Stale, TimeSpan.Zero, stale.Detail));
                return null;
            case ApiAnswer<BeatReply>.Refused refused:
                return await RefusedAsync(refused, stop);
            case ApiAnswer<BeatReply>.Later later:
                Lost(later.Why);
                return _backoff.Next(later.After);
            default:
                return null;
        }
    }

    // an operator of another version, or a changed signing key: no reason to throw work away
    async Task<TimeSpan?> RefusedAsync(ApiAnswer<BeatReply>.Refused refused, CancellationToken stop)
    {
        if (!_refusalSaid)
            log.Line($"beat: refused with {refused.Status} {refused.Reason} {refused.Detail}; the work goes on");
        _refusalSaid = true;
        try
        {
            if (refused.Status == 401)
                await session.RefreshAsync(stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        return _backoff.Next();
    }

    void Found()
    {
        _backoff.Reset();
        _refusalSaid = false;
        if (_lostSince is { } since)
            log.Line($"operator: back after {WorkerLog.Seconds(time.GetElapsedTime(since))}");
        _lostSince = null;
    }

    void Lost(string why)
    {
        if (_lostSince is not null)
            return;
        _lostSince = time.GetTimestamp();
        log.Line($"operator: no contact ({why}); the work goes on");
    }

    void Obey(BeatReply reply)
    {
        var reason = reply.Reason ?? "no reason given";
        var grace = TimeSpan.FromSeconds(reply.GraceSeconds > 0 ? Math.Min(reply.GraceSeconds, 3600) : session.Assignment.DrainGraceSeconds);
        switch (reply.Command)
        {
            case WorkerCommand.Stop:
                orders.Give(new StopOrder(StopKind.Stopped, grace, reason));
                break;
            case WorkerCommand.Drain when _drain is null:
                _drain = (time.GetTimestamp(), grace, reason);
                log.Line($"operator: drain within {grace.TotalSeconds:0} s ({reason})");
                break;
        }
    }

    // Counted from the sending of the last beat that was answered: the operator counts from no earlier moment.
    void CheckContact()
    {
        if (session.Assignment.StopAfterSeconds is not { } seconds)
            return;
        var left = TimeSpan.FromSeconds(seconds) - time.GetElapsedTime(Volatile.Read(ref _contactAt));
        if (left > TimeSpan.Zero)
        {
            _limit?.Change(left, Timeout.InfiniteTimeSpan);
        }
        else
        {
            orders.Give(new StopOrder(
                StopKind.LostContact, LostContact.Grace(seconds, session.Assignment.DrainGraceSeconds),
                $"no contact with the operator for {seconds} s, and the pool says Stop"));
        }
    }

    // finish what is nearly done, else give the slot back at once rather than at the end of the grace
    void CheckDrain()
    {
        if (_drain is not { } drain)
            return;
        var left = drain.Grace - time.GetElapsedTime(drain.Since);
        var progress = board.Current;
        var fits = progress.Phase is WorkerPhase.Uploading or WorkerPhase.Completing || progress.Remaining < left;
        if (left <= TimeSpan.Zero || !fits)
            orders.Give(new StopOrder(StopKind.Stopped, TimeSpan.FromSeconds(session.Assignment.DrainGraceSeconds), $"drain: {drain.Reason}"));
    }
}
