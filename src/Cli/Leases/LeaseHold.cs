using Framelease.Devices;
using Framelease.GpuWorker;
using Framelease.GpuWorker.Api;
using Framelease.WorkerProtocol;

namespace Framelease.Cli.Leases;

/// <summary>What becomes of the command by the lease's doing.</summary>
abstract record HoldOrder
{
    HoldOrder()
    {
    }

    /// <summary>SIGTERM, and SIGKILL after the grace.</summary>
    /// <param name="LeaseLost">The lease can no longer be counted on, whatever the command does.</param>
    public sealed record End(TimeSpan Grace, string Why, bool LeaseLost) : HoldOrder;

    /// <summary>SIGKILL: somebody else may have the device by now.</summary>
    public sealed record Kill(string Why) : HoldOrder;
}

/// <summary>
/// The holder's side of a lease: attaches, beats until the command has ended, releases. Lost contact does not touch the command (R5), unless
/// the pool says after how long a holder stops by itself.
/// </summary>
/// <param name="devices">Reads the device now and then, for people and metrics.</param>
sealed class LeaseHold(IHolderApi api, HolderAttachRequest request, IDeviceReader devices, LeaseSay say, TimeProvider time, Random chance)
{
    /// <summary>A drain command comes with the answer to a beat: it is not to come a whole heartbeat interval late.</summary>
    static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    static readonly TimeSpan LongestGrace = TimeSpan.FromHours(1);

    Backoff? _backoff;
    HeldLease? _lease;
    TelemetryLoop? _telemetry;
    readonly Lock _gate = new();
    long _sequence;
    long _contactAt;
    bool _lost;
    bool _ending;
    ITimer? _limit;

    /// <summary>Tries until the operator answers; it gives the grant up by itself when that takes too long.</summary>
    public async Task<ApiAnswer<HeldLease>> AttachAsync(CancellationToken ct)
    {
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
        while (true)
        {
            Volatile.Write(ref _contactAt, time.GetTimestamp());
            var answer = await api.AttachAsync(request, ct);
            if (answer is ApiAnswer<HeldLease>.Ok(var lease))
                _lease = lease;
            if (answer is not ApiAnswer<HeldLease>.Later later)
                return answer;
            NoContact(later.Why);
            await Task.Delay(backoff.Next(later.After), time, ct);
        }
    }

    /// <summary>Beats until cancelled, or until the lease is lost.</summary>
    public async Task BeatAsync(Action<HoldOrder> order, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _backoff = new Backoff(chance, TimeSpan.FromSeconds(1), LostContact.Pause(_lease!.HeartbeatTimeoutSeconds));
        _telemetry = new TelemetryLoop(devices, _lease.Device is { Kind: "Gpu" } gpu ? gpu.Id : null, time);
        var reading = _telemetry.RunAsync(over.Token);
        await BeatOnAsync(order, stop);
        await over.CancelHereAsync();
        await reading;
    }

    async Task BeatOnAsync(Action<HoldOrder> order, CancellationToken stop)
    {
        // A timer of its own: a beat that hangs, or a long back-off, must not put the stop off.
        await using var limit = time.CreateTimer(_ => CheckContact(order), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _limit = limit;
        CheckContact(order);
        while (!stop.IsCancellationRequested)
        {
            var wait = await BeatOnceAsync(order, stop);
            if (wait is null)
                return;
            await Task.Delay(wait.Value, time, stop).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Current);
        }
    }

    /// <param name="isLastWord">The lease is lost: a refusal is expected, and nobody is told of it.</param>
    /// <returns>False when the operator did not take it in time: then the lease expires by silence.</returns>
    public async Task<bool> ReleaseAsync(string reason, TimeSpan within, CancellationToken ct, bool isLastWord = false)
    {
        using var limit = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        var backoff = new Backoff(chance, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
        try
        {
            while (true)
            {
                switch (await api.ReleaseAsync(_lease!.Credential, new HolderReleaseRequest(reason), either.Token))
                {
                    case ApiAnswer<HolderReleaseReply>.Ok:
                        return true;
                    case ApiAnswer<HolderReleaseReply>.Refused when isLastWord:
                        return false;
                    case ApiAnswer<HolderReleaseReply>.Refused no:
                        say.Problem($"the release was refused: {no.Reason} {no.Detail}");
                        return false;
                    case ApiAnswer<HolderReleaseReply>.Later later:
                        await Task.Delay(backoff.Next(later.After), time, either.Token);
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (isLastWord)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            say.Problem("the operator did not take the release; the lease ends by silence, and its slot then waits for proof");
            return false;
        }
    }

    /// <returns>How long to wait, or null when there is nothing left to beat for.</returns>
    async Task<TimeSpan?> BeatOnceAsync(Action<HoldOrder> order, CancellationToken stop)
    {
        var asked = time.GetTimestamp();
        ApiAnswer<BeatReply> answer;
        try
        {
            answer = await api.BeatAsync(
                _lease!.Credential, new HolderBeatRequest(++_sequence, Device: Telemetry()), LostContact.Call(_lease.HeartbeatTimeoutSeconds), stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }

        switch (answer)
        {
            case ApiAnswer<BeatReply>.Ok(var reply):
                Volatile.Write(ref _contactAt, asked);
                _backoff!.Reset();
                if (_lost)
                    say.Note("the operator is back");
                _lost = false;
                Obey(reply, order);
                var interval = TimeSpan.FromSeconds(Math.Clamp(_lease.HeartbeatIntervalSeconds, 1, 3600));
                return interval < LongestPause ? interval : LongestPause;
            case ApiAnswer<BeatReply>.Refused { Reason: RefusalReasons.StaleHolder } stale:
                order(new HoldOrder.Kill(stale.Detail));
                return null;
            case ApiAnswer<BeatReply>.Refused refused:
                NoContact($"{refused.Status} {refused.Reason} {refused.Detail}");
                // A changed signing key: a fresh credential for the same lease.
                if (refused.Status == 401)
                    await RefreshAsync(stop);
                return _backoff!.Next();
            case ApiAnswer<BeatReply>.Later later:
                NoContact(later.Why);
                return _backoff!.Next(later.After);
            default:
                throw new InvalidOperationException("an answer is one of three");
        }
    }

    DeviceTelemetry? Telemetry() => _telemetry?.Current is { } d
        ? new DeviceTelemetry(d.UtilisationPercent, d.MemoryUsedMiB, d.MemoryTotalMiB, d.TemperatureCelsius) : null;

    async Task RefreshAsync(CancellationToken stop)
    {
        try
        {
            if (await api.AttachAsync(request, stop) is ApiAnswer<HeldLease>.Ok(var fresh) && fresh.Token == _lease!.Token)
                _lease = fresh;
        }
        catch (OperationCanceledException)
        {
            // The command has ended: no further beat is needed.
        }
    }

    void Obey(BeatReply reply, Action<HoldOrder> order)
    {
        lock (_gate)
        {
            if (reply.Command is WorkerCommand.Continue || _ending)
                return;
            _ending = true;
            var grace = TimeSpan.FromSeconds(reply.GraceSeconds > 0 ? reply.GraceSeconds : _lease!.DrainGraceSeconds);
            order(new HoldOrder.End(grace < LongestGrace ? grace : LongestGrace, reply.Reason ?? "no reason given", LeaseLost: false));
        }
    }

    // Counted from the sending of the last beat that was answered: the operator counts from no earlier moment. A command that was asked to
    // end before is killed: its grace may be longer than the pool's lock delay.
    void CheckContact(Action<HoldOrder> order)
    {
        if (_lease!.StopAfterSeconds is not { } seconds)
            return;
        lock (_gate)
        {
            var left = TimeSpan.FromSeconds(seconds) - time.GetElapsedTime(Volatile.Read(ref _contactAt));
            if (left > TimeSpan.Zero)
            {
                _limit?.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }

            var why = $"no contact with the operator for {seconds} s, and the pool says Stop";
            order(_ending
                ? new HoldOrder.Kill(why)
                : new HoldOrder.End(LostContact.Grace(seconds, _lease.DrainGraceSeconds), why, LeaseLost: true));
            _ending = true;
        }
    }

    void NoContact(string why)
    {
        if (!_lost)
            say.Note($"no contact with the operator ({why}); trying on");
        _lost = true;
    }
}
