using System.Collections.Concurrent;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Attempts;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Dispatch;

/// <summary>One dispatcher, and one leader role, for each pool (R9). A pool that was deleted keeps its dispatcher: with no free slot it has nothing to do.</summary>
sealed class DispatcherSet(
    Store<GpuPool> pools, ILedger ledger, IEpochs epochs, AttemptSignals signals, WaitReasons reasons, string identity, TimeProvider time, ILogger<DispatcherSet> logger)
{
    readonly ConcurrentDictionary<string, Dispatcher> _dispatchers = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<(string Pool, Dispatcher Dispatcher)> _new = new();
    readonly SemaphoreSlim _added = new(0);

    public void Wake(string pool) => _dispatchers.GetValueOrDefault(pool)?.Wake();

    /// <exception cref="LeadershipLostException">A newer leader of some pool exists.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        signals.PoolChanged += Wake;
        using var subscription = pools.Subscribe(change => Add(change.Object.Metadata.Name!));
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var next = _added.WaitAsync(cancel);
                var first = await Task.WhenAny([.. running, next]);
                await first;
                while (_new.TryDequeue(out var added))
                    running.Add(new LeaderRole(epochs, $"dispatch-{added.Pool}", identity, time, logger).RunAsync(added.Dispatcher.RunAsync, cancel));
            }
        }
        finally
        {
            signals.PoolChanged -= Wake;
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        }
    }

    void Add(string pool)
    {
        var dispatcher = new Dispatcher(pool, ledger, signals, reasons, time, logger);
        if (!_dispatchers.TryAdd(pool, dispatcher))
            return;
        _new.Enqueue((pool, dispatcher));
        _added.Release();
    }
}
