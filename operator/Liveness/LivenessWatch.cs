using Framelease.Domain.Leasing;
using Framelease.Operator.Attempts;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Liveness;

/// <summary>
/// Looks at every lease that is held, and glances several times a second at those that beat. Silent holders, and grants to which nobody attached, expire: PostgreSQL's clock and
/// this leader's own monotonic clock must both say so (R3), inside unbroken observation, and not too many at once (R5): a look that fails
/// or comes late starts every deadline anew. Stalls and grades are <see cref="GradeWatch"/>'s, from the same look.
/// </summary>
/// <param name="longestMassSilence">Seconds beyond its timeout for which a holder is kept at most while many are silent at once.</param>
sealed class LivenessWatch(
    ILedger ledger, AttemptService attempts, LeaseService leases, double longestMassSilence, TimeProvider time, ILogger<LivenessWatch> logger)
{
    /// <summary>
    /// A beat is seen one period late at most; its absence is looked for when it is due. So whoever fell silent expires within a second of the
    /// timeout.
    /// </summary>
    static readonly TimeSpan Period = TimeSpan.FromMilliseconds(400);

    /// <summary>Neither a timer that fires a little early nor many holders that fall silent one after the other make this loop spin.</summary>
    static readonly TimeSpan Soonest = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Of so many periods one brings a look at everything; the others bring one only when somebody's time may be over. Stalls, grades and
    /// starts that are counted in minutes can wait for it.
    /// </summary>
    const int LookEvery = 5;

    /// <summary>A beat is visible a moment after its time. What this misses, the next look sees.</summary>
    static readonly TimeSpan Overlap = TimeSpan.FromMilliseconds(500);

    /// <summary>Expiries under way at a time.</summary>
    const int AtOnce = 16;

    /// <summary>Where the interval is not on record: the default terms beat five times in a timeout.</summary>
    const int BeatsPerTimeout = 5;

    readonly LivenessWitness _attached = new();
    readonly LivenessWitness _unattached = new();
    readonly LivenessWitness _delayed = new();
    readonly MassSilence _mass = new(longestMassSilence);
    readonly GradeWatch _grades = new(attempts, leases, logger);
    DateTimeOffset _seenUntil;

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        for (var turn = 0; !cancel.IsCancellationRequested; turn++)
        {
            var next = Period;
            try
            {
                if (turn % LookEvery == 0 || await GlanceAsync(start, cancel))
                    await LookAsync(start, epoch, cancel);
                next = UntilNext();
            }
            catch (LedgerUnavailableException e)
            {
                // No look, no silence: who could not be heard is not silent.
                _attached.Fail();
                _unattached.Fail();
                _grades.Fail();
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (LedgerConflictException)
            {
                // Somebody reported in between: the next look knows.
            }

            await Task.Delay(next, time, cancel);
        }
    }

    TimeSpan UntilNext()
    {
        var due = _attached.SoonestSeconds;
        return due >= Period.TotalSeconds ? Period : due <= Soonest.TotalSeconds ? Soonest : TimeSpan.FromSeconds(due);
    }

    /// <param name="start">When this leader began to look, as <see cref="TimeProvider.GetTimestamp"/> has it.</param>
    public async Task LookAsync(long start, LeaderEpoch epoch, CancellationToken cancel)
    {
        var asked = time.GetElapsedTime(start).TotalSeconds;
        var look = await ledger.ReadLivenessAsync(cancel);
        var times = Times(start, asked, look.DatabaseNow);
        var attached = _attached.Observe(times, [.. look.Attached.Select(Seen)]);
        var unattached = _unattached.Observe(times, [.. look.Unattached.Select(u =>
            new LivenessWitness.Sighting(u.LeaseUid, 0, u.WaitedSeconds, u.StartDeadlineSeconds))]);
        if (attached.Blind)
        {
            Log.ObservationResumed(logger, attached.GapSeconds, attached.DriftSeconds);
            await ledger.RecordBlindnessAsync(new ObservationGap(attached.GapSeconds, attached.DriftSeconds), epoch, cancel);
        }

        var lost = await JudgeAsync(asked, look, attached, epoch, cancel);
        await EachAsync(look.Attached.Where(a => !a.IsDetected && lost.Contains(Key(a))), row => ExpireSilentAsync(row, epoch, cancel));
        var unused = unattached.Silent.ToHashSet(StringComparer.Ordinal);
        await EachAsync(look.Unattached.Where(u => unused.Contains(u.LeaseUid)), row => ExpireUnattachedAsync(row, epoch, cancel));
        await FreeByTimeAsync(times, look, epoch, cancel);
        var unheard = look.Attached.Where(a => a.LeaseUid is not null && attached.SilentSeconds.GetValueOrDefault(Key(a)) > MassSilence.MissedBeat * Interval(a))
            .Select(a => a.LeaseUid!).ToHashSet(StringComparer.Ordinal);
        await _grades.LookAsync(times, look, unheard, epoch, cancel);
    }

    /// <returns>True when a look is due now.</returns>
    async Task<bool> GlanceAsync(long start, CancellationToken cancel)
    {
        if (_seenUntil == default)
            return true;
        var asked = time.GetElapsedTime(start).TotalSeconds;
        var glance = await ledger.ReadBeatsAsync(_seenUntil - Overlap, cancel);
        return _attached.Glance(Times(start, asked, glance.DatabaseNow), [.. glance.Beaten.Select(Seen)]);
    }

    LivenessWitness.LookTimes Times(long start, double asked, DateTimeOffset databaseNow)
    {
        _seenUntil = databaseNow;
        return new(asked, time.GetElapsedTime(start).TotalSeconds, databaseNow.ToUnixTimeMilliseconds() / 1000.0);
    }

    static LivenessWitness.Sighting Seen(AttachedRow a) => new(Key(a), a.Sequence, a.SilentSeconds, a.TimeoutSeconds);

    // Of different leases, so side by side: many that fall silent together are not found one after the other.
    static async Task EachAsync<T>(IEnumerable<T> rows, Func<T, Task> expire)
    {
        foreach (var some in rows.Chunk(AtOnce))
            await Task.WhenAll(some.Select(UnlessItMovedAsync));

        async Task UnlessItMovedAsync(T row)
        {
            try
            {
                await expire(row);
            }
            catch (LedgerConflictException)
            {
                // Somebody reported in between: the next look knows.
            }
        }
    }

    async Task<HashSet<string>> JudgeAsync(double now, LivenessLook look, LivenessWitness.Look witnessed, LeaderEpoch epoch,
        CancellationToken cancel)
    {
        var silent = witnessed.Silent.ToHashSet(StringComparer.Ordinal);
        var verdict = _mass.Judge(now, [.. look.Attached.Select(a => Holder(a, witnessed, silent))], witnessed.Blind);
        foreach (var change in verdict.Told)
        {
            var scope = change.Scope == MassSilence.Everywhere ? "all pools" : $"pool {change.Scope}";
            if (change.Begins)
                Log.MassSilence(logger, change.Leases, scope, longestMassSilence);
            else
                Log.MassSilenceOver(logger, scope);
            await ledger.RecordMassSilenceAsync(change, epoch, cancel);
        }

        return verdict.Expire.ToHashSet(StringComparer.Ordinal);
    }

    static MassSilence.Holder Holder(AttachedRow a, LivenessWitness.Look witnessed, HashSet<string> silent)
    {
        var key = Key(a);
        return new MassSilence.Holder(
            key, a.Pool.Length > 0 ? a.Pool : "(no pool)", a.Node, witnessed.SilentSeconds.GetValueOrDefault(key), Interval(a),
            a.TimeoutSeconds, silent.Contains(key));
    }

    static double Interval(AttachedRow a) => a.IntervalSeconds > 0 ? a.IntervalSeconds : (double)a.TimeoutSeconds / BeatsPerTimeout;

    async Task ExpireSilentAsync(AttachedRow row, LeaderEpoch epoch, CancellationToken cancel)
    {
        var message = $"no beat for {row.SilentSeconds:0} s, timeout {row.TimeoutSeconds} s";
        if (row.TaskUid is not { } task)
        {
            Log.HolderLost(logger, row.LeaseUid!, row.PodUid, row.SilentSeconds);
            var held = await leases.ChangeAsync(
                row.LeaseUid!, "operator", epoch, _ => [new LeaseCommand.Expire(ExpiryCause.HeartbeatLost, message, row.PodUid)], cancel,
                new SilenceSeen(null, 0, 0, row.Sequence, row.LeaseUid));
            TellDetected(row, held.Events, message);
            return;
        }

        Log.HeartbeatLost(logger, task, row.Scene, row.Attempt, row.SilentSeconds);
        var fence = new AttemptFence(task, row.Scene, row.Attempt, row.PodUid, row.LeaseUid, 0);
        var plan = await attempts.ExpireAsync(
            fence, ExpiryCause.HeartbeatLost, message, new SilenceSeen(task, row.Scene, row.Attempt, row.Sequence), epoch, cancel);
        TellDetected(row, plan.Lease, message);
    }

    void TellDetected(AttachedRow row, IReadOnlyList<ILeaseEvent> events, string message)
    {
        if (events.OfType<LeaseDeadlockDetected>().Any())
            Log.DeadlockDetected(logger, row.LeaseUid!, row.PodUid, message);
    }

    async Task ExpireUnattachedAsync(UnattachedRow row, LeaderEpoch epoch, CancellationToken cancel)
    {
        var message = $"nobody attached within {row.StartDeadlineSeconds} s of the grant";
        if (row.Attempt is { } a)
        {
            await attempts.ExpireAsync(AttemptFence.Of(a), ExpiryCause.StartDeadline, message, null, epoch, cancel);
            return;
        }

        await leases.ChangeAsync(
            row.LeaseUid, "operator", epoch,
            lease => [new LeaseCommand.Expire(ExpiryCause.StartDeadline, message), LeaseSteps.UnattachedProof(lease.State)], cancel);
    }

    // A lock delay, too, is over only when both clocks say so, inside unbroken observation: a clock that jumps frees nothing.
    async Task FreeByTimeAsync(LivenessWitness.LookTimes times, LivenessLook look, LeaderEpoch epoch, CancellationToken cancel)
    {
        var over = _delayed.Observe(times, [.. look.Delayed.Select(d =>
            new LivenessWitness.Sighting(d.LeaseUid, 0, d.SecondsInQuarantine,
                d.LockDelaySeconds))]).Silent.ToHashSet(StringComparer.Ordinal);
        foreach (var row in look.Delayed.Where(d => over.Contains(d.LeaseUid)))
        {
            var evidence = $"the pool's lock delay of {row.LockDelaySeconds} s is over; its workers stop by themselves without contact";
            await leases.ChangeAsync(
                row.LeaseUid, "operator", epoch, lease => [new LeaseCommand.Free(FreeProof.LockDelay, evidence, null, lease.DatabaseNow)],
                    cancel);
        }
    }

    static string Key(AttachedRow a) => a.TaskUid is null ? a.LeaseUid! : $"{a.TaskUid}/{a.Scene}/{a.Attempt}";
}
