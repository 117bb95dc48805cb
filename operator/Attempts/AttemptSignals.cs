using System.Collections.Concurrent;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Attempts;

/// <summary>
/// Hints between the parts of one replica: "look at this task", "this pool has something to grant". Level-triggered readers need no hint to be right,
/// only to be quick (R9).
/// </summary>
sealed class AttemptSignals
{
    const int MaxRemembered = 10_000;

    readonly ConcurrentDictionary<(string Lease, string Pod, string Write), bool> _rejections = new();

    public event Action<ObjectKey>? TaskChanged;

    public event Action<ObjectKey>? LeaseChanged;

    public event Action<string>? PoolChanged;

    /// <summary>This replica recorded something of the lease; the grant, if that is what it recorded.</summary>
    public event Action<LeaseRequested, LeaseGranted?>? LeaseMoved;

    public void Changed(TaskState task, LeaseState? lease)
    {
        if (task.Accepted is { } accepted)
            TaskChanged?.Invoke(new ObjectKey(accepted.Namespace, accepted.Name));
        if (lease?.Request is { } request)
            Changed(request);
    }

    /// <summary>A lease waits from now on: its pool may have something to grant. Whoever recorded it shows it, too.</summary>
    public void Requested(LeaseRequested request) => PoolChanged?.Invoke(request.Pool);

    /// <summary>Something of a lease, or of its slot, is another now: its pool may have something to do.</summary>
    public void Changed(LeaseRequested request)
    {
        // The pool first: whoever waits for the slot waits for its dispatcher, and nobody for a status.
        PoolChanged?.Invoke(request.Pool);
        Moved(request, null);
    }

    /// <summary>A slot of the pool is free, and no lease tells of it.</summary>
    public void PoolFreed(string pool) => PoolChanged?.Invoke(pool);

    /// <summary>Something of a device is in the log, which may be the pool's.</summary>
    public void PoolRecorded(string pool) => PoolChanged?.Invoke(pool);

    public void LeaseGranted(LeaseRequested request, LeaseGranted grant) => Moved(request, grant);

    void Moved(LeaseRequested request, LeaseGranted? grant)
    {
        LeaseMoved?.Invoke(request, grant);
        LeaseChanged?.Invoke(new ObjectKey(request.Namespace, request.Name));
    }

    /// <summary>Something of the lease is in the log, whoever recorded it.</summary>
    public void LeaseRecorded(ObjectKey lease) => LeaseChanged?.Invoke(lease);

    /// <summary>Something of the task, or of its lease, is in the log, whoever recorded it.</summary>
    public void TaskRecorded(ObjectKey task) => TaskChanged?.Invoke(task);

    /// <summary>What a waiting lease shows of itself, or its place among the first, is another now.</summary>
    public void LeaseWaits(ObjectKey lease) => LeaseChanged?.Invoke(lease);

    /// <summary>True the first time that this replica sees such a refusal. What it remembers is bounded: a repeat costs but one more line in the history.</summary>
    public bool FirstRejection(string leaseUid, string podUid, string write)
    {
        if (_rejections.Count > MaxRemembered)
            _rejections.Clear();
        return _rejections.TryAdd((leaseUid, podUid, write), true);
    }
}
