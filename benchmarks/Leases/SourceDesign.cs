using StackExchange.Redis;

namespace Framelease.Benchmarks.Leases;

/// <summary>
/// The rival: one key, taken with SET NX PX, given back by its owner's script; who does not get it asks again after 0.5 s, then twice as
/// long each time up to 5 s, with jitter. Without polling pauses it asks again at once: the lower bound of any polling.
/// </summary>
sealed class SourceDesign(RedisServer redis, Cli.Shell shell, bool poll)
{
    const string Release = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";

    static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    readonly List<TimeSpan> _measured = [];
    int _jobs;

    /// <param name="locks">Devices, each with jobs of its own.</param>
    /// <param name="hold">What a job works before it gives the lock back, and up to twice as long. With polling at least as long as a
    /// back-off needs to reach its longest pause, as it does behind any real job.</param>
    /// <returns>From each release to the moment when a waiter knows that it holds the lock.</returns>
    public async Task<IReadOnlyList<TimeSpan>> RunAsync(int locks, int waiters, int turns, TimeSpan hold, CancellationToken ct)
    {
        await using var connection = await redis.ConnectAsync();
        await Task.WhenAll(Enumerable.Range(0, locks).Select(
            i => LockAsync(connection.GetDatabase(), $"gpu_lock:{i}", waiters, turns, hold, ct)));
        return _measured;
    }

    async Task LockAsync(IDatabase database, string key, int waiters, int turns, TimeSpan hold, CancellationToken ct)
    {
        long? released = null;
        var left = turns;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);

        // It waits, works once, and gives back. Who comes anew comes while the lock is held, as in the other run.
        async Task JobAsync()
        {
            await Task.Yield();
            var mine = $"job-{Interlocked.Increment(ref _jobs)}";
            var pause = First;
            while (!await database.StringSetAsync(key, mine, TimeSpan.FromMinutes(10), When.NotExists))
            {
                if (enough.IsCancellationRequested)
                    return;
                if (!poll)
                    continue;
                await Task.Delay(pause * (0.5 + (Jitter() / 2)), shell.Time, enough.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                pause = pause * 2 < Longest ? pause * 2 : Longest;
            }

            var known = shell.Time.GetTimestamp();
            if (released is { } since)
            {
                lock (_measured)
                    _measured.Add(shell.Time.GetElapsedTime(since, known));
                if (--left == 0)
                    await enough.CancelAsync();
            }

            var next = enough.IsCancellationRequested ? Task.CompletedTask : JobAsync();
            if (!enough.IsCancellationRequested)
                await Task.Delay(hold * (1 + Jitter()), shell.Time, ct);
            released = shell.Time.GetTimestamp();
            await database.ScriptEvaluateAsync(Release, [key], [mine]);
            await next;
        }

        await Task.WhenAll(Enumerable.Range(0, waiters + 1).Select(_ => JobAsync()));
    }

    double Jitter()
    {
        lock (shell.Random)
            return shell.Random.NextDouble();
    }
}
