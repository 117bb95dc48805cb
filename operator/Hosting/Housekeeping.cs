using Framelease.EventStore;
using Framelease.Kubernetes.Client;

namespace Framelease.Operator.Hosting;

/// <summary>
/// What the leader of the controllers does now and then: removes the records of commands that nobody may repeat any more, and leaves word with
/// Kubernetes of how far the log has come (R12).
/// </summary>
sealed class Housekeeping(PostgresEventStore store, Func<CancellationToken, Task> leaveWord, TimeProvider time, ILogger logger)
{
    /// <summary>Two days: twice as long as a command may be repeated.</summary>
    static readonly TimeSpan CommandAge = TimeSpan.FromHours(48);

    static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    /// <summary>At most 50,000 rows a round: a backlog is worked off without holding up anybody.</summary>
    const int MostBatches = 50;

    public async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            await Task.Delay(Period, time, cancel);
            try
            {
                if (await store.PruneCommandsAsync(CommandAge, MostBatches, cancel) is > 0 and var pruned)
                    Log.CommandsPruned(logger, pruned);
                await leaveWord(cancel);
            }
            // Nobody waits for this work: whatever refuses it now may let it pass in the next round. Another database is everybody's end.
            catch (EventStoreException e) when (e is not AuthorityChangedException)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (KubernetesException e)
            {
                Log.KubernetesUnavailable(logger, e.Message);
            }
        }
    }
}
