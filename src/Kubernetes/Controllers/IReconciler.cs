// The contract between a controller and the code that does the work.
using Framelease.Kubernetes.Models;

namespace Framelease.Kubernetes.Controllers;

/// <summary>
/// Looks at the present state of one object and of the world, and takes a step that brings the world closer to the object's spec.
/// It is told a key, never an event: it may be called for no reason, late, twice, after a restart, or when the object is gone already, and must
/// do right each time. Never two at once for the same key (in this process).
/// </summary>
public interface IReconciler
{
    /// <param name="ct">Cancelled when the process must stop, or when the controller's reconcile time-out has passed.</param>
    /// <returns>
    /// <list type="bullet">
    /// <item><see cref="ReconcileResult.Done"/>: the world is as wished; called again when something changes, and at the resync.</item>
    /// <item><see cref="ReconcileResult.After"/>: well so far; called again after this time at the latest (a deadline, a poll).</item>
    /// <item><see cref="ReconcileResult.Retry"/>: it failed and may work later: called again after the key's back-off. An exception is the same.</item>
    /// <item><see cref="ReconcileResult.Terminal"/>: it failed and can not work until the object changes; logged, not retried. The object's
    /// condition should say so.</item>
    /// </list>
    /// </returns>
    Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct);
}

/// <summary>What a reconcile came to; see <see cref="IReconciler.ReconcileAsync"/>.</summary>
public abstract record ReconcileResult
{
    ReconcileResult()
    {
    }

    /// <summary>As wished; nothing to do until something changes.</summary>
    public static ReconcileResult Done { get; } = new Completed();

    /// <summary>As wished so far; look again after <paramref name="wait"/>. Something that changes earlier is seen earlier.</summary>
    /// <param name="priority">Low for a mere refresh, which must not raise what else wakes the key at low priority. Default normal.</param>
    public static ReconcileResult After(TimeSpan wait, WorkPriority priority = WorkPriority.Normal) => new Scheduled(wait, priority);

    /// <summary>Failed; try again after the back-off.</summary>
    public static ReconcileResult Retry(Exception error) => new Failed(error);

    /// <summary>Failed for good; trying again can not help.</summary>
    public static ReconcileResult Terminal(Exception error) => new GivenUp(error);

    public sealed record Completed : ReconcileResult;

    public sealed record Scheduled(TimeSpan Wait, WorkPriority Priority) : ReconcileResult;

    public sealed record Failed(Exception Error) : ReconcileResult;

    public sealed record GivenUp(Exception Error) : ReconcileResult;
}
