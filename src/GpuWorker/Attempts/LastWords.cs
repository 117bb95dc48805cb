namespace Framelease.GpuWorker.Attempts;

/// <summary>No bound until SIGTERM; from then on a few seconds for what is still to be said.</summary>
sealed class LastWords : IDisposable
{
    readonly CancellationTokenSource _over = new();
    readonly CancellationTokenRegistration _registration;
    ITimer? _timer;

    public LastWords(CancellationToken terminate, TimeSpan grace, TimeProvider time)
    {
        var over = _over;
        _registration = terminate.Register(() => _timer = time.CreateTimer(static o => ((CancellationTokenSource)o!).Cancel(), over, grace, Timeout.InfiniteTimeSpan));
    }

    public CancellationToken Token => _over.Token;

    public void Dispose()
    {
        _registration.Dispose();
        _timer?.Dispose();
        _over.Dispose();
    }
}
