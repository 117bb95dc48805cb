namespace Framelease.GpuWorker;

static class Cancellation
{
    /// <summary>
    /// As CancelAsync, but on the caller's scheduler, which outside of a simulation is the thread pool: what CancelAsync calls comes back
    /// through the pool, which no simulated world can put into order (R7).
    /// </summary>
    public static Task CancelHereAsync(this CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskScheduler.Current);
}
