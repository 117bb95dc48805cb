namespace Framelease.Operator;

/// <summary>
/// A wake-up that stays until somebody takes it. Whoever waits is woken on its own scheduler: a semaphore's waiters, and what CancelAsync calls, come
/// back through the thread pool, which no simulated world can put into order (R7).
/// </summary>
sealed class WakeUp
{
    TaskCompletionSource _next = New();

    /// <summary>Any number of times is as good as once.</summary>
    public void Set() => Volatile.Read(ref _next).TrySetResult();

    /// <summary>Until it is set, or for <paramref name="most"/>.</summary>
    public async Task WaitAsync(TimeSpan most, TimeProvider time, CancellationToken cancel)
    {
        var next = Volatile.Read(ref _next);
        // Awaited by itself, and so on the waiter's own scheduler: WhenAny and WaitAsync would hear of it on the thread pool.
        await using var timer = time.CreateTimer(static next => ((TaskCompletionSource)next!).TrySetResult(), next, most, Timeout.InfiniteTimeSpan);
        await using var stop = cancel.UnsafeRegister(static (next, token) => ((TaskCompletionSource)next!).TrySetCanceled(token), next);
        try
        {
            await next.Task;
        }
        finally
        {
            Volatile.Write(ref _next, New());
        }
    }

    static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

static class Cancellation
{
    /// <summary>As CancelAsync, but on the caller's scheduler, which outside of a simulation is the thread pool.</summary>
    public static Task CancelHereAsync(this CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current);
}
