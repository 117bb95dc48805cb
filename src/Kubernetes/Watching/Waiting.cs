// Waiting that comes back on the waiter's own scheduler.
namespace Framelease.Kubernetes.Watching;

static class Waiting
{
    /// <summary>
    /// As WaitAsync, which would hear of the task's end on the thread pool: there no simulated world could put what follows into order.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled before the task had ended.</exception>
    public static async Task OrCancelled(this Task task, CancellationToken ct)
    {
        if (!task.IsCompleted && ct.CanBeCanceled)
        {
            var either = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var stop = ct.UnsafeRegister(static (either, token) => ((TaskCompletionSource)either!).TrySetCanceled(token), either);
            _ = task.ContinueWith(
                static (_, either) => ((TaskCompletionSource)either!).TrySetResult(), either, CancellationToken.None,
                TaskContinuationOptions.None, TaskScheduler.Current);
            await either.Task;
        }

        await task;
    }
}
