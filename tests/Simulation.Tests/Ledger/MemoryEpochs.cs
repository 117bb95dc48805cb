using Framelease.Operator.Leadership;
using Framelease.Operator.Ledger;

namespace Framelease.Simulation.Tests.Ledger;

/// <summary>Leadership over a <see cref="MemoryDatabase"/>, as acquire_epoch.sql has it.</summary>
sealed class MemoryEpochs(MemoryDatabase database, IDatabaseWay way) : IEpochs
{
    MemoryTables T => database.Tables;

    public Task<LeaderEpoch?> TryAcquireAsync(string role, string holder, TimeSpan ttl, CancellationToken cancel) => way.AskAsync(
        $"{holder} wants {role}",
        () =>
        {
            var row = T.Epochs.GetValueOrDefault(role);
            if (row is { Holder: not null } && row.Holder != holder && row.RenewedAt >= database.Now - ttl)
                return null;
            if (!T.HasAuthority)
                throw new LeadershipLostException("the server's authority was not taken over");
            var epoch = row is null ? T.EpochFloor + 1 : row.Epoch + 1;
            T.Epochs[role] = new EpochRow(holder, epoch, database.Now);
            return new LeaderEpoch(role, holder, epoch);
        },
        cancel);

    public Task<bool> RenewAsync(LeaderEpoch epoch, CancellationToken cancel) => way.AskAsync(
        "renew",
        () =>
        {
            if (!IsCurrent(epoch))
                return false;
            T.Epochs[epoch.Role] = T.Epochs[epoch.Role] with { RenewedAt = database.Now };
            return true;
        },
        cancel);

    public Task ReleaseAsync(LeaderEpoch epoch, CancellationToken cancel) => way.AskAsync(
        $"{epoch.Holder} releases {epoch.Role}",
        () =>
        {
            if (IsCurrent(epoch))
                T.Epochs[epoch.Role] = T.Epochs[epoch.Role] with { Holder = null };
            return true;
        },
        cancel);

    bool IsCurrent(LeaderEpoch epoch) =>
        T.Epochs.GetValueOrDefault(epoch.Role) is { } row && row.Holder == epoch.Holder && row.Epoch == epoch.Epoch;
}
