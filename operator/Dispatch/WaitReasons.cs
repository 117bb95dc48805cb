using System.Collections.Concurrent;
using Framelease.Operator.Status;

namespace Framelease.Operator.Dispatch;

/// <summary>Why each waiting lease waits, as the last round said. Lives in memory: the next round says it again (R11).</summary>
sealed class WaitReasons
{
    readonly ConcurrentDictionary<string, Obstacle> _reasons = new(StringComparer.Ordinal);

    public Obstacle? Of(string leaseUid) => _reasons.GetValueOrDefault(leaseUid);

    /// <returns>True when the reason's code is another than before. Positions change all the time and are no reason to write a status (R10).</returns>
    public bool Set(string leaseUid, Obstacle obstacle)
    {
        var before = _reasons.GetValueOrDefault(leaseUid);
        _reasons[leaseUid] = obstacle;
        return before?.Reason != obstacle.Reason;
    }

    public void Clear(string leaseUid) => _reasons.TryRemove(leaseUid, out _);
}
