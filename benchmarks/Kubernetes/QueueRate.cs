using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>Keys through a work queue: each is added once, taken once and given back once.</summary>
sealed class QueueRate(TimeProvider time, Random random)
{
    /// <returns>Keys a second.</returns>
    public async Task<double> MeasureAsync(int producers, int workers, int keys)
    {
        var all = Enumerable.Range(0, keys).Select(i => new ObjectKey("default", $"object-{i}")).ToArray();
        using var queue = new WorkQueue<ObjectKey>(new() { Name = "bench" }, time, random);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var left = keys;

        async Task ProduceAsync(int first)
        {
            await Task.Yield(); // onto a thread of its own
            for (var i = first; i < all.Length; i += producers)
                queue.Add(all[i]);
        }

        async Task WorkAsync()
        {
            await Task.Yield();
            while (await queue.TakeAsync(CancellationToken.None) is { HasKey: true } taken)
            {
                queue.Done(taken.Key);
                if (Interlocked.Decrement(ref left) == 0)
                    done.TrySetResult();
            }
        }

        var started = time.GetTimestamp();
        var working = Enumerable.Range(0, workers).Select(_ => WorkAsync()).ToArray();
        await Task.WhenAll(Enumerable.Range(0, producers).Select(ProduceAsync));
        await done.Task;
        var took = time.GetElapsedTime(started);
        queue.Complete();
        await Task.WhenAll(working);
        return keys / took.TotalSeconds;
    }
}
