// Workers that take keys and reconcile them.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace Framelease.Kubernetes.Controllers;

/// <summary>How a controller works.</summary>
public sealed record ControllerOptions
{
    /// <summary>Keys worked on at the same time. Default 4.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>Every key is looked at again after this, at low priority: a net under everything that was missed. Default 10 minutes.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Time of one reconcile, after which it is cancelled and counts as failed. Default 2 minutes.</summary>
    public TimeSpan ReconcileTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Time that running reconciles get to end when the controller stops; then they are cancelled. Default 10 s.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait after a first failure. Default 50 ms.</summary>
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest wait between two tries. Default 2 minutes.</summary>
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromMinutes(2);
}

/// <summary>Made by <see cref="ControllerBuilder"/>. Run it once.</summary>
public sealed class Controller : IDisposable
{
    const string Done = "done", After = "after", Retry = "retry", Terminal = "terminal";

    readonly string _name;
    readonly ControllerOptions _options;
    readonly IReconciler _reconciler;
    readonly Func<IReadOnlyList<ObjectKey>> _keys;
    readonly IReadOnlyList<Task> _ready;
    readonly TimeProvider _time;
    readonly Jitter _jitter;
    readonly ILogger _log;
    readonly WorkQueue<ObjectKey> _queue;

    internal Controller(
        string name, ControllerOptions options, IReconciler reconciler, Func<IReadOnlyList<ObjectKey>> keys, IReadOnlyList<Task> ready, TimeProvider time,
        Jitter jitter, ILogger log)
    {
        (_name, _options, _reconciler, _keys, _ready, _time, _jitter, _log) = (name, options, reconciler, keys, ready, time, jitter, log);
        _queue = new(new() { Name = name, FirstRetry = options.FirstRetry, LongestRetry = options.LongestRetry }, time, jitter);
        KubernetesMetrics.Register(name, [Done, After, Retry, Terminal]);
    }

    public string Name => _name;

    /// <summary>Wakes a key, whatever the reason.</summary>
    public void Enqueue(ObjectKey key) => _queue.Add(key);

    /// <summary>Wakes a key after a while.</summary>
    public void EnqueueAfter(ObjectKey key, TimeSpan wait, WorkPriority priority = WorkPriority.Normal) => _queue.AddAfter(key, wait, priority);

    /// <summary>Waits until the stores are filled, then works until <paramref name="ct"/> is cancelled; returns when the last worker is idle.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            foreach (var ready in _ready)
                await ready.OrCancelled(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return;
        }

        Log.ControllerStarted(_log, _name, _options.Workers);
        using var hard = new CancellationTokenSource();
        await using var stopping = ct.UnsafeRegister(_ => _queue.Complete(), null);
        var workers = new Task[_options.Workers];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = WorkAsync(hard.Token);
        var resync = ResyncAsync(ct);
        await resync; // ends when ct is cancelled

        using var grace = _time.CreateTimer(static hard => ((CancellationTokenSource)hard!).Cancel(), hard, _options.StopGrace, Timeout.InfiniteTimeSpan);
        await Task.WhenAll(workers);
        Log.ControllerStopped(_log, _name);
    }

    public void Dispose() => _queue.Dispose();

    async Task WorkAsync(CancellationToken hard)
    {
        while (true)
        {
            var taken = await _queue.TakeAsync(CancellationToken.None);
            if (!taken.HasKey)
                return;
            try
            {
                await ReconcileAsync(taken.Key, hard);
            }
            finally
            {
                _queue.Done(taken.Key);
            }
        }
    }

    async Task ReconcileAsync(ObjectKey key, CancellationToken hard)
    {
        using var timeout = new CancellationTokenSource(_options.ReconcileTimeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, hard);
        var started = _time.GetTimestamp();
        ReconcileResult result;
        try
        {
            result = await _reconciler.ReconcileAsync(key, linked.Token);
        }
        catch (OperationCanceledException error) when (timeout.IsCancellationRequested && !hard.IsCancellationRequested)
        {
            result = ReconcileResult.Retry(new TimeoutException($"the reconcile took longer than {_options.ReconcileTimeout.TotalSeconds:F0} s", error));
        }
        catch (Exception error)
        {
            result = ReconcileResult.Retry(error); // whatever it is, it is this key's affair
        }

        KubernetesMetrics.Reconciled(_name, Apply(key, result), _time.GetElapsedTime(started));
    }

    string Apply(ObjectKey key, ReconcileResult result)
    {
        switch (result)
        {
            case ReconcileResult.Completed:
                _queue.Forget(key);
                return Done;
            case ReconcileResult.Scheduled(var wait, var priority):
                _queue.Forget(key);
                _queue.AddAfter(key, wait, priority);
                return After;
            case ReconcileResult.GivenUp { Error: var error }:
                _queue.Forget(key);
                Log.ReconcileTerminal(_log, _name, key.ToString(), error);
                return Terminal;
            case ReconcileResult.Failed { Error: var error }:
                var (backoff, failures) = _queue.Retry(key);
                if (error is KubernetesException { IsConflict: true } && failures < 5)
                    Log.ReconcileConflict(_log, _name, key.ToString(), backoff.TotalMilliseconds);
                else
                    Log.ReconcileFailed(_log, _name, key.ToString(), backoff.TotalMilliseconds, failures, error);
                return Retry;
            default:
                throw new InvalidOperationException($"unknown result {result}");
        }
    }

    async Task ResyncAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_options.Resync * (0.9 + (_jitter.Next() * 0.2)), _time, ct);
                foreach (var key in _keys())
                    _queue.Add(key, WorkPriority.Low);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // stopping
        }
    }
}
