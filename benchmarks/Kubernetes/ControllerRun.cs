using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Controllers;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;

namespace Framelease.Benchmarks.Kubernetes;

/// <summary>Objects that are there before the clock starts, each brought to a status: by a whole controller, and by nothing but patches.</summary>
sealed class ControllerRun(ServerTarget server, TimeProvider time, Random random, int workers)
{
    /// <summary>List, watch, store, queue and workers, from their start until the last object is patched.</summary>
    /// <param name="middle">Called once when half of them are patched; the run goes on meanwhile.</param>
    /// <returns>Seconds, and how many objects the server shows in this phase then.</returns>
    public async Task<(double Seconds, int Reached)> OursAsync(string ns, string phase, int count, Func<Task>? middle, CancellationToken ct)
    {
        using var client = server.Connect();
        var stores = new StoreSet(client, time, random);
        var selection = new Selection(ns);
        var patches = new Patches(client, stores.Get<Item>(selection), phase, count, middle);
        using var controller = new ControllerBuilder("bench", stores).With(o => o with { Workers = workers }).For<Item>(selection).Build(patches);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var started = time.GetTimestamp();
        var running = new[] { stores.RunAsync(stop.Token), controller.RunAsync(stop.Token) };
        await await Task.WhenAny([.. running, patches.Done]);
        var took = time.GetElapsedTime(started);
        await stop.CancelAsync();
        await Task.WhenAll(running);
        var now = await client.ListAsync<Item>(ns, ct: ct);
        return (took.TotalSeconds, now.Items.Count(i => i.Status?.Phase == phase));
    }

    /// <summary>The same patches, as many at once, by a bare HttpClient that knows the names.</summary>
    public async Task<double> BareAsync(string ns, string phase, int count, CancellationToken ct)
    {
        using var http = server.Bare();
        var body = Encoding.UTF8.GetBytes($$$"""{"status":{"phase":"{{{phase}}}"}}""");
        var started = time.GetTimestamp();
        await ServerTarget.ManyAsync(
            count, workers,
            async (i, stop) =>
            {
                using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/merge-patch+json") } };
                using var reply = await http.PatchAsync($"{server.Path(ns)}/{ServerTarget.Name(i)}/status", content, stop);
                reply.EnsureSuccessStatusCode();
            },
            ct);
        return time.GetElapsedTime(started).TotalSeconds;
    }

    sealed class Patches(KubernetesClient client, Store<Item> store, string phase, int count, Func<Task>? middle) : IReconciler
    {
        readonly ConcurrentDictionary<string, bool> _reached = [];
        readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<Task>? _middle = middle;
        int _count;

        public Task Done => _done.Task;

        public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
        {
            if (store.Find(key) is not { } item || _reached.ContainsKey(key.Name))
                return ReconcileResult.Done;
            // A patch whose answer was lost is seen in the store.
            if (item.Status?.Phase != phase)
                await client.PatchStatusAsync(item, item with { Status = new() { Phase = phase } }, ct: ct);
            if (!_reached.TryAdd(key.Name, true))
                return ReconcileResult.Done;
            var reached = Interlocked.Increment(ref _count);
            if (reached >= count / 2 && Interlocked.Exchange(ref _middle, null) is { } half)
                await half();
            if (reached == count)
                _done.TrySetResult();
            return ReconcileResult.Done;
        }
    }
}
