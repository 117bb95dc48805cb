namespace Framelease.Domain.Scheduling;

/// <summary>
/// The order of a pool's queue: enqueue time − 60 s × points. All wait at the same rate, so the order of two leases never changes while
/// they wait, and the queue is sorted once, when a lease comes.
/// </summary>
public static class QueueOrder
{
    public const int SecondsPerPoint = 60;

    /// <summary>Equal keys are told apart by the lease's uid.</summary>
    public static DateTimeOffset Key(DateTimeOffset enqueuedAt, int points) => enqueuedAt.AddSeconds(-SecondsPerPoint * (long)points);

    /// <summary>
    /// For how long leases that come later may overtake one that waits with <paramref name="points"/>, when nobody has more than
    /// <paramref name="mostPoints"/>. After it, only those that are in front already are served before; each slot serves one of them in at
    /// most the hard limit.
    /// </summary>
    public static int OvertakingSeconds(int points, int mostPoints) => SecondsPerPoint * Math.Max(0, mostPoints - points);
}
