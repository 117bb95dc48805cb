using Framelease.Operator.Ledger;
using Framelease.Operator.Metrics;

namespace Framelease.Operator.Leadership;

/// <summary>
/// Holds one role: waits until it is free, runs the work under its epoch, renews, releases at the end. An unreachable database is blindness, not loss (R5):
/// the work goes on trying, and the database itself refuses an old epoch.
/// </summary>
sealed class LeaderRole(IEpochs epochs, string role, string identity, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan Ttl = TimeSpan.FromSeconds(15);
    static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);
    static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <exception cref="LeadershipLostException">A newer leader exists; the process should end and start over.</exception>
    public async Task RunAsync(Func<LeaderEpoch, CancellationToken, Task> work, CancellationToken cancel)
    {
        var epoch = await AcquireAsync(cancel);
        Log.LeadershipTaken(logger, role, epoch.Epoch);
        PlatformMetrics.Leads(role, true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var renewing = RenewAsync(epoch, stop.Token);
        var working = work(epoch, stop.Token);
        try
        {
            await await Task.WhenAny(renewing, working);
        }
        finally
        {
            PlatformMetrics.Leads(role, false);
            await stop.CancelHereAsync();
            await Task.WhenAll(renewing, working).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
            await ReleaseAsync(epoch);
        }
    }

    async Task<LeaderEpoch> AcquireAsync(CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                if (await epochs.TryAcquireAsync(role, identity, Ttl, cancel) is { } epoch)
                    return epoch;
            }
            catch (LedgerUnavailableException e)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }

            await Task.Delay(Retry, time, cancel);
        }
    }

    async Task RenewAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            await Task.Delay(Renewal, time, cancel);
            try
            {
                if (!await epochs.RenewAsync(epoch, cancel))
                    throw new LeadershipLostException($"role {role}: a newer epoch than {epoch.Epoch} exists");
            }
            catch (LedgerUnavailableException e)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }
        }
    }

    async Task ReleaseAsync(LeaderEpoch epoch)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), time);
        try
        {
            await epochs.ReleaseAsync(epoch, limit.Token);
        }
        catch (Exception e) when (e is LedgerUnavailableException or OperationCanceledException)
        {
            // It runs out by itself after the time to live.
            Log.DatabaseUnavailable(logger, e.Message);
        }
    }
}
