using Framelease.Kubernetes.Client;

namespace Framelease.Simulation.Tests.ApiServer;

/// <summary>A watch at the side of its reader: what has arrived, in order, until the server ends it or the connection breaks.</summary>
sealed class WatchStream : IDisposable
{
    readonly Queue<ApiChange> _arrived = new();
    TaskCompletionSource? _waiting;
    KubernetesException? _broken;
    bool _isOver;

    /// <summary>Ends the watch at the server's side.</summary>
    public IDisposable? Server { get; set; }

    public bool IsOver => _isOver || _broken is not null;

    public void Arrive(ApiChange change)
    {
        _arrived.Enqueue(change);
        _waiting?.TrySetResult();
    }

    public void Break(KubernetesException error)
    {
        _broken ??= error;
        Dispose();
        _waiting?.TrySetResult();
    }

    /// <summary>In good order.</summary>
    public void End()
    {
        _isOver = true;
        Dispose();
        _waiting?.TrySetResult();
    }

    /// <returns>Null: it ended.</returns>
    public async Task<ApiChange?> NextAsync(CancellationToken cancel)
    {
        while (true)
        {
            if (_arrived.TryDequeue(out var change))
                return change;
            if (_broken is { } error)
                throw error;
            if (_isOver)
                return null;
            _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var stop = cancel.UnsafeRegister(
                static (waiting, token) => ((TaskCompletionSource)waiting!).TrySetCanceled(token), _waiting);
            await _waiting.Task;
        }
    }

    public void Dispose()
    {
        Server?.Dispose();
        Server = null;
    }
}
