using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// Knows how far the log is complete, for all who follow it in this process: one look at the database serves them all. Looks when a hint
/// says so, at most every few milliseconds however many hints come; soon again while a writer holds the mark back; and else at every poll
/// interval. The rule itself is safe_position's: nothing is skipped by time.
/// </summary>
internal sealed class HighWaterMark(PostgresEventStore store, ProjectionDaemonOptions options)
{
    static readonly TimeSpan Coalesce = TimeSpan.FromMilliseconds(5), SoonAgain = TimeSpan.FromMilliseconds(10),
        LeastSoon = TimeSpan.FromMilliseconds(250);

    readonly Lock _lock = new();
    TaskCompletionSource _moved = NewSource();
    long _heldSince;

    /// <summary>0 before the first look.</summary>
    public long Safe { get; private set; }

    /// <summary>How long the mark has stood still in front of numbers that were drawn; zero while it moves.</summary>
    public TimeSpan Held => _heldSince == 0 ? TimeSpan.Zero : store.Time.GetElapsedTime(_heldSince);

    static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when there is something after a position, or when time is up.</summary>
    public async Task WaitAsync(long position, TimeSpan atMost, CancellationToken ct)
    {
        Task moved;
        lock (_lock)
        {
            if (Safe > position) return;
            moved = _moved.Task;
        }

        using var wait = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(moved, Task.Delay(atMost, store.Time, wait.Token));
        await wait.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        var soon = SoonAgain;
        var stuck = TimeSpan.Zero;
        while (true)
        {
            // asked for before the look: a commit in between leaves the hint set
            var hint = store.Signal.NextHint();
            var looked = store.Time.GetTimestamp();
            var pause = store.Options.PollInterval;
            try
            {
                if (await LookAsync(ct)) soon = SoonAgain;
                if (_heldSince != 0)
                {
                    pause = soon < pause ? soon : pause;
                    soon = soon < LeastSoon ? soon * 2 : LeastSoon;
                }

                if (Held == TimeSpan.Zero) stuck = TimeSpan.Zero;
                else if (Held - stuck > options.EndStuckWritersAfter)
                {
                    stuck = Held;
                    await EndStuckWritersAsync(ct);
                }
            }
            // whatever it is: followers wait at what is known until somebody mends it
            catch (EventStoreException e)
            {
                Log.SubscriptionWaits(store.Logger, Safe, e);
            }

            await PauseAsync(hint, pause, ct);
            var since = store.Time.GetElapsedTime(looked);
            if (since < Coalesce) await Task.Delay(Coalesce - since, store.Time, ct);
        }
    }

    async Task PauseAsync(Task hint, TimeSpan pause, CancellationToken ct)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(hint, Task.Delay(pause, store.Time, wait.Token));
        await wait.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    /// <returns>True when the mark has moved.</returns>
    async Task<bool> LookAsync(CancellationToken ct)
    {
        var (safe, last) = await ReadAsync(store, ct);
        lock (_lock)
        {
            var moved = safe != Safe;
            if (safe == last) _heldSince = 0;
            else if (moved || _heldSince == 0) _heldSince = store.Time.GetTimestamp();
            if (!moved) return false;
            Safe = safe;
            _moved.TrySetResult();
            _moved = NewSource();
            return true;
        }
    }

    async Task EndStuckWritersAsync(CancellationToken ct)
    {
        var ended = await store.ConnectedAsync(async connection =>
        {
            await using var command = new NpgsqlCommand("select framelease.end_stuck_writers($1)", connection);
            command.Parameters.Add(new() { Value = options.EndStuckWritersAfter });
            return (long)(await command.ExecuteScalarAsync(ct))!;
        }, ct);
        if (ended > 0) Log.StuckWritersEnded(store.Logger, ended, Safe, options.EndStuckWritersAfter);
        else Log.PositionHeld(store.Logger, Safe, Held);
    }

    internal static Task<(long Safe, long Last)> ReadAsync(PostgresEventStore store, CancellationToken ct) =>
        store.ConnectedAsync(async connection =>
    {
        await using var command = new NpgsqlCommand("select r_safe, r_last from framelease.log_end()", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }, ct);
}
