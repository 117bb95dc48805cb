using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Framelease.Operator.Hosting;
using Framelease.Operator.Ledger;
using Framelease.Resources;

namespace Framelease.Operator.Attempts;

/// <summary>
/// What any replica records wakes the controllers of this one, as what it records itself: a grant by another replica's dispatcher, or an attach
/// that another one served, would else be seen at the next resync only.
/// </summary>
sealed class LogFollower
{
    const string Leases = "lease-", Tasks = "task-", Devices = "device-";

    readonly IEventStore _log;
    readonly AttemptSignals _signals;
    readonly StoreIndex<string, GpuLease> _leases;
    readonly StoreIndex<string, VideoTask> _tasks;
    readonly Func<IEnumerable<ObjectKey>> _pools;
    readonly TimeProvider _time;
    readonly ILogger _logger;

    /// <summary>Make one before the stores are filled: it adds indexes to them.</summary>
    public LogFollower(IEventStore log, PlatformStores stores, AttemptSignals signals, TimeProvider time, ILogger logger)
    {
        (_log, _signals, _time, _logger) = (log, signals, time, logger);
        _leases = stores.Leases.AddIndex(Uid);
        _tasks = stores.Tasks.AddIndex(Uid);
        _pools = () => stores.Pools.Keys();
    }

    /// <summary>Until cancelled.</summary>
    /// <exception cref="LeadershipLostException">The database is another one now.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            var from = await new StartUp(_time, _logger).RetryAsync(() => _log.LatestSequenceAsync(cancel), cancel);
            await foreach (var e in _log.SubscribeAsync(from, null, cancel))
            {
                // The reconciler of leases alone requests, and shows it in the same pass.
                if (e.Data is not LeaseRequested)
                    Wake(e.Stream);
            }
        }
        catch (AuthorityChangedException e)
        {
            throw new LeadershipLostException(e.Message, e);
        }
    }

    // An object that the stores do not show yet is reconciled when they do.
    void Wake(string stream)
    {
        if (stream.StartsWith(Leases, StringComparison.Ordinal))
        {
            foreach (var lease in _leases.Find(stream[Leases.Length..]))
            {
                _signals.LeaseRecorded(lease.Key());
                if (lease.Spec.Holder is { Kind: nameof(VideoTask), Name: var task })
                    _signals.TaskRecorded(new ObjectKey(lease.Metadata.Namespace, task));
            }
        }
        else if (stream.StartsWith(Tasks, StringComparison.Ordinal))
        {
            foreach (var task in _tasks.Find(stream[Tasks.Length..]))
                _signals.TaskRecorded(task.Key());
        }
        else if (stream.StartsWith(Devices, StringComparison.Ordinal))
        {
            // The stream does not say whose it is, and it is seldom written to.
            foreach (var pool in _pools())
                _signals.PoolRecorded(pool.Name);
        }
    }

    static IEnumerable<string> Uid(IKubernetesObject value) => value.Metadata.Uid is { } uid ? [uid] : [];
}
