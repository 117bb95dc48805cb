using System.Globalization;
using Framelease.EventStore;
using Framelease.Operator.Ledger;
using Framelease.Operator.Ledger.Sql;
using Framelease.Operator.Pools;

namespace Framelease.Operator.Authority;

/// <summary>
/// R12, at every start: is the database the one that the platform last wrote to, and does it hold everything that Kubernetes has seen? If not, one
/// transaction takes the authority over: every slot into quarantine, every token and epoch above a floor that no lost grant reached, one event
/// that tells of it. Before it nothing is granted (the database refuses), after it slot by slot as <see cref="AuthorityRelease"/> finds proof.
/// </summary>
/// <param name="store">Without the pool's own check of the authority, which would keep it from looking.</param>
/// <param name="adopt">A database that belongs to another cluster is taken over for this one instead of refused.</param>
sealed class AuthorityTakeOver(PostgresEventStore store, ClusterIdentity cluster, ILogger logger, bool adopt = false)
{
    /// <summary>More grants of one slot than any lost stretch of history can hold.</summary>
    public const long Step = 1_000_000;

    /// <returns>What to leave with Kubernetes as the new witness.</returns>
    /// <exception cref="DatabaseOfAnotherClusterException">Not ours to take, unless told so.</exception>
    public async Task<SeenAuthority> EnsureAsync(AuthorityWitness witness, CancellationToken cancel)
    {
        var adopted = await AdoptedAsync(cancel);
        while (true)
        {
            var state = await store.Authority.ReadAsync(cancel);
            var position = await LastEventAsync(cancel);
            if ((state.Difference ?? await AheadAsync(witness, state, position, cancel) ?? adopted) is not { } reason)
                return new(state.Recorded!.Incarnation, state.SystemIdentifier, state.Timeline, position);
            if (await TryTakeAsync(witness, state, reason, cancel))
            {
                // what Kubernetes has seen is covered now, and so is the adoption: neither must be a reason once more
                (witness, adopted) = (AuthorityWitness.None, null);
                await store.Authority.ReplaceOwnerAsync(cluster.Uid, cancel);
            }
        }
    }

    /// <summary>Two clusters on one database would each take the other's slots and epochs for strangers.</summary>
    /// <returns>Why the authority is to be taken over; null when the database is this cluster's.</returns>
    async Task<string?> AdoptedAsync(CancellationToken cancel)
    {
        var owner = await store.Authority.ClaimAsync(cluster.Uid, cancel);
        if (owner == cluster.Uid)
            return null;
        return adopt ? Text($"the database was cluster {owner}'s and is cluster {cluster.Uid}'s now")
            : throw new DatabaseOfAnotherClusterException(owner, cluster.Uid);
    }

    /// <summary>What Kubernetes has seen that the log lacks, on a server that is the same as before: a disk that was set back.</summary>
    async Task<string?> AheadAsync(AuthorityWitness witness, AuthorityState state, long position, CancellationToken cancel)
    {
        if (witness.Seen is { } seen)
        {
            if (seen.Incarnation > state.Recorded!.Incarnation)
                return Text($"the cluster has seen incarnation {seen.Incarnation} of the authority; the database ends at {state.Recorded.Incarnation}");
            if (seen.Position > position)
                return Text($"the cluster has seen the log up to {seen.Position}; it ends at {position}");
        }

        var tokens = await TokensAsync(cancel);
        return witness.Grants.FirstOrDefault(g => g.Token > tokens.GetValueOrDefault((g.Node, g.Device, g.Slot))) is { } grant
            ? Text($"the cluster has seen token {grant.Token} of slot {grant.Node}/{grant.Device}#{grant.Slot}; ")
                + Text($"the database ends at {tokens.GetValueOrDefault((grant.Node, grant.Device, grant.Slot))}")
            : null;
    }

    async Task<bool> TryTakeAsync(AuthorityWitness witness, AuthorityState state, string reason, CancellationToken cancel)
    {
        var highest = Math.Max(await HighestTokenAsync(cancel), witness.Grants.Select(g => g.Token).DefaultIfEmpty(0).Max());
        var floor = checked(Math.Max(highest, state.Recorded?.Floor ?? 0) + Step);
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        store.Authority.TakeOver(session, state, floor, reason);
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
            (state.Recorded?.Incarnation ?? 0) + 1));
        session.AppendAny(
            $"authority-{cluster.Uid}",
            new AuthorityChanged((state.Recorded?.Incarnation ?? 0) + 1, reason, state.SystemIdentifier, state.Timeline, floor, witness.Pods.Count));
        try
        {
            await session.SaveChangesAsync(cancel);
        }
        catch (GuardFailedException e) when (e.Code == "AuthorityTaken")
        {
            // another replica was faster: look at what it left
            return false;
        }

        Log.AuthorityTaken(logger, reason, slots.Rows[0], floor);
        return true;
    }

    /// <summary>The last number in the log; those that were only drawn may be drawn again after a crash.</summary>
    public async Task<long> LastEventAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(Statement.Of("select coalesce(max(seq_id), 0) from framelease_events.mt_events"), r => r.GetInt64(0));
        await session.SaveChangesAsync(cancel);
        return rows.Rows[0];
    }

    async Task<Dictionary<(string, string, int), long>> TokensAsync(CancellationToken cancel)
    {
        var session = store.OpenSession();
        var rows = session.Query(
            Statement.Of("select node, device, slot, greatest(token, token_floor) from framelease.slots where cluster = $1", cluster.Uid),
            r => (Key: (r.GetString(0), r.GetString(1), r.GetInt32(2)), Token: r.GetInt64(3)));
        await session.SaveChangesAsync(cancel);
        return rows.Rows.ToDictionary(r => r.Key, r => r.Token);
    }

    /// <summary>Of the slots and of the log: they can only differ if somebody mended one of them by hand.</summary>
    async Task<long> HighestTokenAsync(CancellationToken cancel)
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

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The start is refused: the history in the database is that of another cluster.</summary>
sealed class DatabaseOfAnotherClusterException(string owner, string cluster) : Exception(
    $"the database belongs to cluster {owner} (the UID of its namespace kube-system); this is cluster {cluster}. Mend: name a database of this "
    + "cluster's own in FRAMELEASE_POSTGRES or, if the other cluster is gone and its workers with it, start once with --adopt-database");
