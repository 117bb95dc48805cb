using System.Collections.Concurrent;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Attempts;
using Framelease.Operator.Hosting;
using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Dispatch;

/// <summary>
/// One dispatcher, and one leader role, for each pool (R9). A pool that was deleted keeps its dispatcher: with no free slot it has nothing
/// to do. What other replicas record wakes the dispatchers here as what this one does: through the log.
/// </summary>
sealed class DispatcherSet(
    Store<GpuPool> pools, Store<Tenant> tenants, ILedger ledger, LeaseService leases, IEventStore log, IEpochs epochs,
        AttemptSignals signals,
    string identity, TimeProvider time, ILogger<DispatcherSet> logger)
{
    /// <summary>After each of these, a round may have something to grant or to tell.</summary>
    static readonly EventFilter Wakers = new(TypeNames:
    [
        "lease_requested", "lease_released", "lease_gave_up", "lease_revoked", "slot_freed", "slot_quarantined", "device_discovered",
            "device_cordoned",
        "device_degraded", "device_on_probation", "device_returned",
    ]);

    readonly ConcurrentDictionary<string, Dispatcher> _dispatchers = new(StringComparer.Ordinal);
    readonly ConcurrentQueue<(string Pool, Dispatcher Dispatcher)> _new = new();
    readonly WakeUp _changed = new();

    public void Wake(string pool) => _dispatchers.GetValueOrDefault(pool)?.Wake();

    /// <exception cref="LeadershipLostException">A newer leader of some pool exists.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        signals.PoolChanged += Wake;
        using var subscription = pools.Subscribe(change => Add(change.Object.Metadata.Name!));
        using var shares = tenants.Subscribe(_ => WakeAll());
        var running = new List<Task>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Start(FollowAsync(stop.Token));
        try
        {
            while (true)
            {
                while (_new.TryDequeue(out var added))
                {
                    Start(new LeaderRole(epochs, $"dispatch-{added.Pool}", identity, time, logger)
                        .RunAsync(added.Dispatcher.RunAsync, stop.Token));
                }

                await _changed.WaitAsync(Timeout.InfiniteTimeSpan, time, cancel);
                if (running.Find(t => t.IsCompleted) is { } ended)
                    await ended;
            }
        }
        finally
        {
            signals.PoolChanged -= Wake;
            // The loss of one role is the end of all: what waited for the others without stopping them would wait for ever.
            await stop.CancelHereAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        }

        // None ends but by an exception: the first one is everybody's.
        void Start(Task role)
        {
            running.Add(role);
            _ = role.ContinueWith(_ => _changed.Set(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        }
    }

    // A request says its pool; a slot's end may concern any.
    async Task FollowAsync(CancellationToken cancel)
    {
        try
        {
            var from = await new StartUp(time, logger).RetryAsync(() => log.LatestSequenceAsync(cancel), cancel);
            await foreach (var e in log.SubscribeAsync(from, Wakers, cancel))
            {
                if (e.Data is LeaseRequested r)
                    Wake(r.Pool);
                else
                    WakeAll();
            }
        }
        catch (AuthorityChangedException e)
        {
            throw new LeadershipLostException(e.Message, e);
        }
    }

    void WakeAll()
    {
        foreach (var dispatcher in _dispatchers.Values)
            dispatcher.Wake();
    }

    void Add(string pool)
    {
        var dispatcher = new Dispatcher(pool, ledger, leases, Shares, signals, time, logger);
        if (!_dispatchers.TryAdd(pool, dispatcher))
            return;
        _new.Enqueue((pool, dispatcher));
        _changed.Set();
    }

    Dictionary<string, TenantShare> Shares() => tenants.List().ToDictionary(
        t => t.Metadata.Name!, t => new TenantShare(0, t.Spec.Concurrency, t.Spec.MaxConcurrency, t.Spec.Weight ?? 1),
            StringComparer.Ordinal);
}
