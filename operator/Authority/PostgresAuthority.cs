using Framelease.Domain.Leasing;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Ledger.Sql;
using Framelease.Operator.Pools;

namespace Framelease.Operator.Authority;

/// <summary>The authority's port on PostgreSQL.</summary>
/// <param name="store">Without the pool's own check of the authority, which would keep it from looking.</param>
sealed class PostgresAuthority(PostgresEventStore store, ClusterIdentity cluster) : IAuthorityStore
{
    public Task<AuthorityState> ReadAsync(CancellationToken cancel) => store.Authority.ReadAsync(cancel);

    public Task<string> ClaimAsync(string owner, CancellationToken cancel) => store.Authority.ClaimAsync(owner, cancel);

    public Task ReplaceOwnerAsync(string owner, CancellationToken cancel) => store.Authority.ReplaceOwnerAsync(owner, cancel);

    public async Task<long> LastEventAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(Statement.Of("select coalesce(max(seq_id), 0) from framelease_events.mt_events"), r => r.GetInt64(0));
        await session.SaveChangesAsync(cancel);
        return rows.Rows[0];
    }

    public async Task<IReadOnlyDictionary<(string Node, string Device, int Slot), long>> TokensAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(
            Statement.Of("select node, device, slot, greatest(token, token_floor) from framelease.slots where cluster = $1", cluster.Uid),
            r => (Key: (r.GetString(0), r.GetString(1), r.GetInt32(2)), Token: r.GetInt64(3)));
        await session.SaveChangesAsync(cancel);
        return rows.Rows.ToDictionary(r => r.Key, r => r.Token);
    }

    public async Task<long> HighestTokenAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(
            Statement.Of(
                """
                select coalesce(greatest(
                  (select max(greatest(token, token_floor)) from framelease.slots),
                  (select max((data ->> 'token')::bigint) from framelease_events.mt_events where type = 'lease_granted')), 0)
                """),
            r => r.GetInt64(0));
        await session.SaveChangesAsync(cancel);
        return rows.Rows[0];
    }

    public async Task<IReadOnlyDictionary<string, Loaded<LeaseState>>> LoadWaitingAsync(
        IReadOnlyCollection<string> leaseUids, CancellationToken cancel)
    {
        var waiting = await store.QueryAsync(
            Statement.Of("select uid from framelease.leases where state = 'Pending' and uid = any ($1)", (object)leaseUids.ToArray()),
            r => r.GetString(0), cancel);
        // Only what a copy lacks: as a rule none, after a restore those that were granted since it was made.
        var loaded = new Dictionary<string, Loaded<LeaseState>>(StringComparer.Ordinal);
        foreach (var uid in waiting)
        {
            var slice = await store.FetchStreamAsync(PostgresLedger.LeaseStream(uid), 1, cancel);
            loaded[uid] = new Loaded<LeaseState>(
                slice.Events.Aggregate(LeaseState.Initial, (s, e) => s.Evolve(e.Data, e.Timestamp)), slice.Version, slice.Now);
        }

        return loaded;
    }

    public async Task<long?> TryTakeAsync(AuthorityTaking taking, CancellationToken cancel)
    {
        var (witness, state, floor) = (taking.Witness, taking.Seen, taking.Floor);
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        store.Authority.TakeOver(session, state, floor, taking.Reason);
        // slots that only Kubernetes remembers: their devices must not come back as new ones
        session.Write(Statement.Of(
            """
            insert into framelease.slots (cluster, node, device, slot, pool, device_name, device_kind, device_index, state, reason)
            select distinct $1, g.node, g.device, g.slot, '', '', '', 0, 'Quarantined', 'AuthorityChanged'
            from unnest($2, $3, $4) as g (node, device, slot) on conflict do nothing
            """,
            cluster.Uid, witness.Grants.Select(g => g.Node).ToArray(), witness.Grants.Select(g => g.Device).ToArray(),
            witness.Grants.Select(g => g.Slot).ToArray()));
        var slots = session.Query(
            Statement.Of(
                """
                with raised as (
                  update framelease.slots set state = 'Quarantined', reason = 'AuthorityChanged', token_floor = $1, changed_at = clock_timestamp()
                  returning 1)
                select count(*) from raised
                """,
                floor),
            r => r.GetInt64(0));
        session.Write(Statement.Of(
            """
            insert into framelease.authority_pods (pod_uid, pod_name, node, incarnation)
            select p.uid, p.name, p.node, $4 from unnest($1, $2, $3) as p (uid, name, node)
            on conflict (pod_uid) do update set incarnation = excluded.incarnation
            """,
            witness.Pods.Select(p => p.Uid).ToArray(), witness.Pods.Select(p => p.Name).ToArray(), witness.Pods.Select(p => p.Node).ToArray(),
            taking.Incarnation));
        WriteHolders(session, taking);
        foreach (var lease in taking.Lost)
            session.Append(PostgresLedger.LeaseStream(lease.LeaseUid), lease.Before.Version, [.. lease.Events]);
        session.AppendAny(
            $"authority-{cluster.Uid}",
            new AuthorityChanged(taking.Incarnation, taking.Reason, state.SystemIdentifier, state.Timeline, floor, witness.Pods.Count));
        try
        {
            await session.SaveChangesAsync(cancel);
        }
        catch (GuardFailedException e) when (e.Code == "AuthorityTaken")
        {
            // another replica was faster: look at what it left
            return null;
        }
        catch (EventStreamUnexpectedMaxEventIdException)
        {
            // a lease moved since it was loaded: look again
            return null;
        }

        return slots.Rows[0];
    }

    // Those whose slot is shown, and those that the log itself knows to be attached, should a status have got lost. A holder of an earlier change
    // is still the same process: it keeps the boot id of then.
    void WriteHolders(IEventSession session, AuthorityTaking taking)
    {
        var shown = taking.Witness.Holders.Where(h => h.Grant is not null).ToArray();
        var other = taking.Witness.Holders.Where(h => h.Grant is null).ToArray();
        session.Write(Statement.Of(
            """
            insert into framelease.authority_holders (lease_uid, lease_name, node, device, slot, token, boot_id, incarnation)
            select h.uid, h.name, h.node, h.device, h.slot, h.token, nullif(h.boot, ''), $8
              from unnest($1, $2, $3, $4, $5, $6, $7) as h (uid, name, node, device, slot, token, boot)
            union all
            select h.uid, h.name, s.node, s.device, s.slot, s.token, null, $8
              from unnest($9, $10) as h (uid, name)
              join framelease.slots s on s.lease_uid = h.uid join framelease.leases l on l.uid = h.uid and l.attached
            on conflict (lease_uid) do update set incarnation = excluded.incarnation
            """,
            Array.ConvertAll(shown, h => h.LeaseUid), Array.ConvertAll(shown, h => h.Name), Array.ConvertAll(shown, h => h.Grant!.Node),
            Array.ConvertAll(shown, h => h.Grant!.Device), Array.ConvertAll(shown, h => h.Grant!.Slot),
            Array.ConvertAll(shown, h => h.Grant!.Token), Array.ConvertAll(shown, h => h.BootId ?? ""), taking.Incarnation,
            Array.ConvertAll(other, h => h.LeaseUid), Array.ConvertAll(other, h => h.Name)));
    }
}
