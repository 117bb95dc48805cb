using Framelease.Operator.Ledger;

namespace Framelease.Operator.Leadership;

/// <summary>Leadership as a row in PostgreSQL (R9): whoever holds the newest epoch of a role may write in its name; everyone older is refused.</summary>
interface IEpochs
{
    /// <returns>The epoch, or null while another holder is alive.</returns>
    Task<LeaderEpoch?> TryAcquireAsync(string role, string holder, TimeSpan ttl, CancellationToken cancel);

    /// <returns>False when a newer epoch exists.</returns>
    Task<bool> RenewAsync(LeaderEpoch epoch, CancellationToken cancel);

    Task ReleaseAsync(LeaderEpoch epoch, CancellationToken cancel);
}
