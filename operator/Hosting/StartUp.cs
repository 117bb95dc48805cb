using Framelease.EventStore;
using Framelease.Kubernetes.Client;
using Framelease.Operator.Ledger;

namespace Framelease.Operator.Hosting;

/// <summary>At start the database or the API server may still be on their way up: tries again, and says what it waits for.</summary>
sealed class StartUp(TimeProvider time, ILogger logger)
{
    static readonly TimeSpan First = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    public async Task<T> RetryAsync<T>(Func<Task<T>> step, CancellationToken cancel)
    {
        for (var wait = First; ; wait = wait * 2 < Longest ? wait * 2 : Longest)
        {
            try
            {
                return await step();
            }
            catch (Exception e) when (e is LedgerUnavailableException or EventStoreException { IsTransient: true } or CommitOutcomeUnknownException)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (KubernetesException e) when (e.IsTransient || e.IsNotFound)
            {
                Log.KubernetesUnavailable(logger, e.Message);
            }

            await Task.Delay(wait, time, cancel);
        }
    }
}
