// A finalizer that cannot hang unseen: after its deadline people are told what is waited for, and what may go is let go.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Events;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Framelease.Kubernetes.Controllers;

/// <summary>
/// Runs the clean-up of objects that are being deleted, and removes the finalizer when it is complete. One that is not complete at the deadline
/// shows the condition <see cref="BlockedCondition"/> and a warning event with what is waited for and how to give up, and counts in the gauge
/// <c>kubernetes.finalizers.overdue</c>, read from the store, so that it is right in every replica and after a restart. It is let go then only
/// when the clean-up itself says that this is safe; what fails by an exception, of which nothing is known, never is.
/// </summary>
/// <param name="store">Where the objects of this kind are watched.</param>
/// <param name="events">Null: no events.</param>
public sealed class Finalizer<T>(
    IKubernetesClient client, Store<T> store, FinalizerOptions<T> options, TimeProvider time, EventRecorder? events = null, ILogger? log = null) : IDisposable
    where T : class, IKubernetesObject
{
    /// <summary>True: the object's deletion has waited for longer than its deadline.</summary>
    public const string BlockedCondition = "DeletionBlocked";

    /// <summary>Reasons of <see cref="BlockedCondition"/>.</summary>
    const string Waiting = "CleanUpIncomplete", Failing = "CleanUpFailing", Cleaned = "CleanUpComplete";

    const int MaxMessage = 1024;

    readonly ILogger _log = log ?? NullLogger.Instance;
    readonly IDisposable _gauge = KubernetesMetrics.CountOverdue(
        ResourceRef.Of<T>().Plural, options.Name, () => store.List().Count(value => IsOverdue(value, options, time)));

    /// <summary>The object with the finalizer; nothing is sent when it has it.</summary>
    /// <exception cref="KubernetesException">Conflict: the object changed since <paramref name="value"/> was read.</exception>
    public Task<T> AddAsync(T value, CancellationToken ct) => client.AddFinalizerAsync(value, options.Name, ct);

    /// <summary>Call it for an object whose finalizer may go. Nothing happens to one without this finalizer.</summary>
    /// <param name="value">As read from the store.</param>
    /// <param name="cleanUp">Idempotent; called until it is complete.</param>
    /// <returns>What the reconciler returns: Done when the object may go, Retry when the clean-up failed or took too long.</returns>
    public async Task<ReconcileResult> RunAsync(T value, Func<CancellationToken, Task<CleanUp>> cleanUp, CancellationToken ct)
    {
        if (!value.HasFinalizer(options.Name))
            return ReconcileResult.Done;
        CleanUp outcome;
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
        try
        {
            outcome = await cleanUp(linked.Token);
        }
        catch (Exception error) when (!ct.IsCancellationRequested)
        {
            if (error is OperationCanceledException && timeout.IsCancellationRequested)
                error = new TimeoutException($"the clean-up took longer than {Minutes(options.Timeout)}", error);
            if (IsOverdue(value, options, time))
                await TellAsync(value, Failing, error.Message, ct);
            return ReconcileResult.Retry(error);
        }

        switch (outcome)
        {
            case CleanUp.Left left when !IsOverdue(value, options, time):
                return ReconcileResult.After(UntilDeadline(value) is { } rest && rest < left.Again ? rest : left.Again);
            case CleanUp.Left { MayLetGo: false } left:
                await TellAsync(value, Waiting, left.What, ct);
                return ReconcileResult.After(left.Again);
            case CleanUp.Left left:
                KubernetesMetrics.LetGo(ResourceRef.Of<T>().Plural, options.Name);
                Log.LetGo(_log, value.Key().ToString(), options.Name, left.What);
                events?.Warning(value, "DeletionForced", "Finalize", $"let go after {Minutes(options.Deadline)} although it still waited for {left.What}");
                break;
        }

        if (await client.RemoveFinalizerAsync(value, options.Name, ct) is { Metadata.Finalizers.Count: > 0 } held && options.FindCondition(held)?.Status == Conditions.True)
            await WriteAsync(held, Conditions.False, Cleaned, $"{options.Name} is done", ct);
        return ReconcileResult.Done;
    }

    public void Dispose() => _gauge.Dispose();

    async Task TellAsync(T value, string reason, string what, CancellationToken ct)
    {
        var message = $"{options.Name} has waited since {value.Metadata.DeletionTimestamp:u} (deadline {Minutes(options.Deadline)}): {what}. " +
            "To give up, remove the finalizer by hand; what it waits for is then nobody's";
        if (options.FindCondition(value)?.Status != Conditions.True)
            events?.Warning(value, BlockedCondition, "Finalize", message);
        await WriteAsync(value, Conditions.True, reason, message, ct);
    }

    async Task WriteAsync(T value, string status, string reason, string message, CancellationToken ct)
    {
        var old = options.FindCondition(value);
        var next = Conditions.Set(
            old is null ? [] : [old], BlockedCondition, status, reason, message.Length > MaxMessage ? message[..MaxMessage] : message, time.GetUtcNow(),
            value.Metadata.Generation)[0];
        if (old == next)
            return;
        try
        {
            await options.WriteConditionAsync(value, next, ct);
        }
        catch (KubernetesException error)
        {
            Log.ConditionNotWritten(_log, value.Key().ToString(), BlockedCondition, error.Message);
        }
    }

    static bool IsOverdue(T value, FinalizerOptions<T> options, TimeProvider time) =>
        value.Metadata.DeletionTimestamp is { } since && time.GetUtcNow() - since >= options.Deadline && value.HasFinalizer(options.Name);

    TimeSpan? UntilDeadline(T value) => value.Metadata.DeletionTimestamp + options.Deadline - time.GetUtcNow();

    static string Minutes(TimeSpan time) => time < TimeSpan.FromMinutes(2) ? $"{time.TotalSeconds:0.#} s" : $"{time.TotalMinutes:0.#} min";
}
