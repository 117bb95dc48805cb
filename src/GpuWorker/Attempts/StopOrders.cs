namespace Framelease.GpuWorker.Attempts;

/// <summary>Why the work ends early, weakest first: a later order replaces a weaker one.</summary>
enum StopKind
{
    /// <summary>The operator said Stop, or a drain ran out of time.</summary>
    Stopped,

    /// <summary>The worker stops by itself, without contact, because its pool says so.</summary>
    LostContact,

    /// <summary>SIGTERM: the pod is going away.</summary>
    Terminated,

    /// <summary>Another holder has the slot: nothing more may be written.</summary>
    Stale,
}

/// <param name="Grace">From SIGTERM to SIGKILL for the engine.</param>
sealed record StopOrder(StopKind Kind, TimeSpan Grace, string Reason);

/// <summary>One place where stop orders arrive, whoever gives them, and where every phase of the work looks.</summary>
sealed class StopOrders : IDisposable
{
    readonly Lock _gate = new();
    readonly CancellationTokenSource _any = new();
    readonly CancellationTokenSource _urgent = new();
    StopOrder? _order;

    public StopOrder? Current
    {
        get
        {
            lock (_gate)
                return _order;
        }
    }

    /// <summary>Cancelled by the first order.</summary>
    public CancellationToken Token => _any.Token;

    /// <summary>Cancelled when the pod goes away, the slot is another's, or a stronger order follows: an earlier, long grace no longer holds.</summary>
    public CancellationToken Urgent => _urgent.Token;

    public void Give(StopOrder order)
    {
        bool urgent;
        lock (_gate)
        {
            if (_order is { } earlier && earlier.Kind >= order.Kind)
                return;
            urgent = _order is not null || order.Kind > StopKind.LostContact;
            _order = order;
        }

        if (urgent)
            _urgent.Cancel();
        _any.Cancel();
    }

    public void Dispose()
    {
        _any.Dispose();
        _urgent.Dispose();
    }
}
