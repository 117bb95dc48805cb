// Slots that wait for proof after a change of authority (R12), and the pods that may still use them.
using Framelease.Domain.Devices;
using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    public Task<IReadOnlyList<HeldSlot>> ReadAuthoritySlotsAsync(CancellationToken cancel) => RowsAsync(
        Statement.Of(
            $"""
            select {SlotColumns}, {AttemptColumns}
              from {Slots} left join framelease.attempts a on a.lease_uid = s.lease_uid
             where s.cluster = $1 and s.state = 'Quarantined' and s.reason = 'AuthorityChanged' order by s.node, s.device, s.slot
            """,
            cluster.Uid),
        HeldSlotOf,
        cancel);

    public Task<IReadOnlyList<AuthorityPod>> ReadAuthorityPodsAsync(CancellationToken cancel) => RowsAsync(
        Statement.Of("select pod_uid, pod_name, node from framelease.authority_pods"),
        r => new AuthorityPod(r.GetString(0), r.GetString(1), r.GetString(2)), cancel);

    public async Task ForgetAuthorityPodsAsync(string[] uids, LeaderEpoch epoch, CancellationToken cancel)
    {
        if (uids.Length == 0)
            return;
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.Write(Statement.Of("delete from framelease.authority_pods where pod_uid = any ($1)", (object)uids));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    public Task<IReadOnlyList<AuthorityHolder>> ReadAuthorityHoldersAsync(CancellationToken cancel) => RowsAsync(
        Statement.Of(
            "select lease_uid, lease_name, node, device, slot, token, boot_id, ended from framelease.authority_holders order by lease_uid"),
        r => new AuthorityHolder(
            r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt32(4), r.GetInt64(5), Text(r, 6), Text(r, 7)),
        cancel);

    public async Task EndAuthorityHoldersAsync(string[] leaseUids, string evidence, LeaderEpoch? epoch, CancellationToken cancel)
    {
        if (leaseUids.Length == 0)
            return;
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        if (epoch is not null)
            session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.Write(Statement.Of(
            "update framelease.authority_holders set ended = $2 where lease_uid = any ($1) and ended is null", leaseUids, evidence));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    // No lease speaks for it, so the device's stream tells of it.
    public async Task ReturnSlotAsync(SlotSnapshot slot, string proof, string evidence, string actor, LeaderEpoch? epoch,
        CancellationToken cancel)
    {
        var key = slot.Key;
        var session = store.OpenSession(new SessionMetadata(Actor: actor));
        if (epoch is not null)
            session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.Guard(Statement.Of(
            "select framelease.move_slot($1, $2, $3, $4, 'Quarantined', $5, 'Free', $5, null, $6)", key.Cluster, key.Node, key.Device, key.Slot,
            slot.Token, proof));
        session.AppendAny(DeviceStream(key.Device), new DeviceReturned(key.Node, key.Device, key.Slot, proof, evidence));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }
}
