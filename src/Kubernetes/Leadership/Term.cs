// One time in office: an epoch, the work under it, and its end.
namespace Framelease.Kubernetes.Leadership;

sealed class Term
{
    readonly CancellationTokenSource _lost = new();

    /// <param name="on">Told the epoch when the work begins, and null when it has ended.</param>
    public Term(Func<long, CancellationToken, Task> lead, IEpochAuthority epochs, string identity, Action<long?> on) =>
        Work = RunAsync(lead, epochs, identity, on);

    /// <summary>Ends when the work ends, or when the authority gave no epoch.</summary>
    public Task Work { get; }

    /// <summary>Tells the work to end and waits until it has.</summary>
    public async Task EndAsync()
    {
        await _lost.CancelAsync();
        try
        {
            await Work;
        }
        catch (OperationCanceledException) when (_lost.IsCancellationRequested)
        {
            // as told
        }
        finally
        {
            _lost.Dispose();
        }
    }

    async Task RunAsync(Func<long, CancellationToken, Task> lead, IEpochAuthority epochs, string identity, Action<long?> on)
    {
        if (await epochs.TakeAsync(identity, _lost.Token) is not { } epoch)
            return;
        on(epoch);
        try
        {
            await lead(epoch, _lost.Token);
        }
        finally
        {
            on(null);
        }
    }
}
