using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Pools;
using LeaderEpoch = Framelease.Operator.Ledger.LeaderEpoch;

namespace Framelease.Operator.Leadership;

/// <summary>Epochs in the event store's own table.</summary>
sealed class PostgresEpochs(LeaderEpochs epochs, ClusterIdentity cluster) : IEpochs
{
    public async Task<LeaderEpoch?> TryAcquireAsync(string role, string holder, TimeSpan ttl, CancellationToken cancel) =>
        await LedgerErrors.Map(() => epochs.TryAcquireAsync(cluster.Uid, role, holder, ttl, cancel)) is { } taken
            ? new LeaderEpoch(role, holder, taken.Epoch)
            : null;

    public Task<bool> RenewAsync(LeaderEpoch epoch, CancellationToken cancel) => LedgerErrors.Map(() => epochs.RenewAsync(Theirs(epoch), cancel));

    public Task ReleaseAsync(LeaderEpoch epoch, CancellationToken cancel) => LedgerErrors.Map(async () =>
    {
        await epochs.ReleaseAsync(Theirs(epoch), cancel);
        return true;
    });

    EventStore.LeaderEpoch Theirs(LeaderEpoch epoch) => new(cluster.Uid, epoch.Role, epoch.Holder, epoch.Epoch, default);
}
