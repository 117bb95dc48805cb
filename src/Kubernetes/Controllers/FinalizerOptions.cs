using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Controllers;

/// <summary>A finalizer, its patience, and where it says that it has lost it.</summary>
public sealed record FinalizerOptions<T>
    where T : class, IKubernetesObject
{
    /// <summary>As it stands in metadata.finalizers, for example <c>example.com/clean-up</c>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// A clean-up that takes longer is told of: condition, warning event, metric. Counted from metadata.deletionTimestamp by our clock; a clock
    /// that is wrong tells early or late and does no harm else. Default 10 minutes.
    /// </summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Time of one look at the clean-up, after which it is cancelled and counts as failed; less than the reconcile's own, or nobody would be left to
    /// tell of it. Default 1 minute.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The object's condition <see cref="Finalizer{T}.BlockedCondition"/>, if it has one.</summary>
    public required Func<T, Condition?> FindCondition { get; init; }

    /// <summary>Writes that condition into the object's status. An error is logged, and the writing tried again with the next look.</summary>
    public required Func<T, Condition, CancellationToken, Task> WriteConditionAsync { get; init; }
}
