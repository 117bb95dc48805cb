using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Ledger.Sql;
using Framelease.Operator.Pools;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Monitoring;

/// <summary>
/// The leader's look at the whole, every 30 s: counts it, and hands what is wrong to whoever tells people. It decides nothing about leases:
/// deadlines and proofs have watches of their own.
/// </summary>
sealed class PlatformMonitor(
    PostgresEventStore store, IPlatformReads reads, ClusterIdentity cluster, Func<IReadOnlyList<Issue>, LeaderEpoch, CancellationToken,
        Task> tell,
    TimeProvider time, ILogger logger)
{
    static readonly TimeSpan Period = TimeSpan.FromSeconds(30);

    public async Task RunAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await LookAsync(epoch, cancel);
            }
            catch (LedgerUnavailableException e)
            {
                Log.DatabaseUnavailable(logger, e.Message);
            }
            catch (LedgerConflictException)
            {
                // The next look comes anyway.
            }

            await Task.Delay(Period, time, cancel);
        }
    }

    public async Task<IReadOnlyList<Issue>> LookAsync(LeaderEpoch epoch, CancellationToken cancel)
    {
        var issues = IssueRules.Find(await reads.ReadFactsAsync(IssueRules.WindowMinutes, cancel));
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.Write(Statement.Of(
            """
            update framelease.monitor
               set checks = checks + 1, unhealthy = unhealthy + $1, warnings = warnings + $2, checked_at = clock_timestamp()
            """,
            issues.Count > 0 ? 1 : 0, issues.Count(i => i.Severity is IssueSeverity.Warning)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        await tell(issues, epoch, cancel);
        return issues;
    }
}
