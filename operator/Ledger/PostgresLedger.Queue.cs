// The queue and the slots of a pool, as rounds, reconcilers and people see them.
using System.Data.Common;
using Framelease.Domain.Leasing;
using Framelease.Domain.Scheduling;
using Framelease.EventStore;
using Framelease.Kubernetes.Models;
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    /// <summary>A longer queue is told to be this long: nobody counts a hundred thousand rows to show one status.</summary>
    const int LongestCount = 10_000;

    // The groups by leaps over the index, and of each its heads: the cost depends on the groups and the heads, not on the length of the
    // queue.
    const string HeadsSql = """
        with recursive groups as (
          (select tenant, vram, encode, decode from framelease.leases where pool = $1 and state = 'Pending'
            order by tenant, vram, encode, decode limit 1)
          union all
          select n.tenant, n.vram, n.encode, n.decode
            from groups g cross join lateral (
              select l.tenant, l.vram, l.encode, l.decode from framelease.leases l
               where l.pool = $1 and l.state = 'Pending' and (l.tenant, l.vram, l.encode, l.decode) > (g.tenant, g.vram, g.encode, g.decode)
               order by l.tenant, l.vram, l.encode, l.decode limit 1) n)
        select g.tenant, g.vram, g.encode, g.decode, h.uid, h.queue_at, h.namespace, h.name
          from groups g cross join lateral (
            select l.uid, l.queue_at, l.namespace, l.name from framelease.leases l
             where l.pool = $1 and l.state = 'Pending' and l.tenant = g.tenant and l.vram = g.vram
               and l.encode = g.encode and l.decode = g.decode
             order by l.queue_at, l.uid limit $2) h
        """;

    const string SlotsOfPoolSql =
        $"select {SlotColumns} from {Slots} where s.pool = $1 and s.cluster = $2 order by s.node, s.device, s.slot";

    public async Task<IReadOnlyList<Loaded<LeaseState>>> LoadLeasesAsync(IReadOnlyList<string> leaseUids, CancellationToken cancel)
    {
        var loaded = new List<Loaded<LeaseState>>(leaseUids.Count);
        foreach (var some in leaseUids.Chunk(StreamsPerTrip))
        {
            var slices = await LedgerErrors.Map(() => store.FetchStreamsAsync([.. some.Select(LeaseStream)], cancel));
            loaded.AddRange(slices.Select(s => new Loaded<LeaseState>(
                s.Events.Aggregate(LeaseState.Initial, (state, e) => state.Evolve(e.Data, e.Timestamp)), s.Version, s.Now)));
        }

        return loaded;
    }

    public async Task<PoolSnapshot> ReadPoolAsync(string pool, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var now = session.Query(Statement.Of("select clock_timestamp()"), r => r.GetFieldValue<DateTimeOffset>(0));
        var waiting = session.Query(
            Statement.Of(
                "select count(*) from (select 1 from framelease.leases where pool = $1 and state = 'Pending' limit $2) l", pool,
                    LongestCount),
            r => r.GetInt64(0));
        var slots = session.Query(Statement.Of(SlotsOfPoolSql, pool, cluster.Uid), Slot);
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new PoolSnapshot(waiting.Rows[0], slots.Rows, now.Rows[0]);
    }

    public async Task<QueueSnapshot> ReadQueueAsync(string pool, int heads, CancellationToken cancel)
    {
        var session = store.OpenSession();
        var waiting = session.Query(
            Statement.Of(HeadsSql, pool, heads),
            r => (Tenant: r.GetString(0), Need: new DeviceNeed(r.GetInt32(1), r.GetInt32(2), r.GetInt32(3)),
                Lease: new WaitingLease(r.GetString(4), r.GetFieldValue<DateTimeOffset>(5)),
                    Name: new ObjectKey(r.GetString(6), r.GetString(7))));
        var slots = session.Query(Statement.Of(SlotsOfPoolSql, pool, cluster.Uid), Slot);
        var uses = session.Query(
            Statement.Of(
                """
                select l.uid, l.vram, l.encode, l.decode from framelease.slots s join framelease.leases l on l.uid = s.lease_uid
                 where s.pool = $1 and s.cluster = $2 and (l.vram > 0 or l.encode > 0 or l.decode > 0)
                """,
                pool, cluster.Uid),
            r => (Uid: r.GetString(0), Need: new DeviceNeed(r.GetInt32(1), r.GetInt32(2), r.GetInt32(3))));
        var held = session.Query(
            Statement.Of("select tenant, count(*)::integer from framelease.leases where state in ('Granted', 'Draining') group by tenant"),
            r => (Tenant: r.GetString(0), Count: r.GetInt32(1)));
        var giving = session.Query(
            Statement.Of(
                """
                select uid, extract(epoch from give_up_at - clock_timestamp())::float8 from framelease.leases
                 where pool = $1 and state = 'Pending' and give_up_at is not null order by give_up_at limit $2
                """,
                pool, heads),
            r => (Uid: r.GetString(0), Seconds: r.GetDouble(1)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
        return new QueueSnapshot(
            [.. waiting.Rows.GroupBy(w => (w.Tenant, w.Need)).Select(g =>
                new QueueGroup(g.Key.Tenant, g.Key.Need, [.. g.Select(w => w.Lease)], g.Count() >= heads))],
            waiting.Rows.ToDictionary(w => w.Lease.LeaseUid, w => w.Name, StringComparer.Ordinal),
            slots.Rows,
            uses.Rows.ToDictionary(u => u.Uid, u => u.Need, StringComparer.Ordinal),
            held.Rows.ToDictionary(h => h.Tenant, h => h.Count, StringComparer.Ordinal),
            [.. giving.Rows.Where(g => g.Seconds <= 0).Select(g => g.Uid)],
            giving.Rows.Where(g => g.Seconds > 0).Select(g => (double?)g.Seconds).FirstOrDefault());
    }

    public async Task SetWaitsAsync(string pool, IReadOnlyList<WaitReason> reasons, LeaderEpoch epoch, CancellationToken cancel)
    {
        var session = store.OpenSession(new SessionMetadata(Actor: "operator"));
        session.RequireEpoch(cluster.Uid, epoch.Role, epoch.Epoch);
        session.Write(Statement.Of(
            """
            with wish as (
              select * from unnest($2, $3, $4, $5, $6, $7) as w (tenant, vram, encode, decode, code, message)
            ), gone as (
              delete from framelease.waits o where o.pool = $1 and not exists (
                select from wish w where (w.tenant, w.vram, w.encode, w.decode) = (o.tenant, o.vram, o.encode, o.decode)))
            insert into framelease.waits as o (pool, tenant, vram, encode, decode, code, message)
            select $1, w.tenant, w.vram, w.encode, w.decode, w.code, w.message from wish w
            on conflict (pool, tenant, vram, encode, decode) do update
               set code = excluded.code, message = excluded.message, changed_at = clock_timestamp()
             where (o.code, o.message) is distinct from (excluded.code, excluded.message)
            """,
            pool, Array(reasons, r => r.Group.Tenant), Array(reasons, r => r.Group.Need.VramMiB),
                Array(reasons, r => r.Group.Need.EncodeSessions),
            Array(reasons, r => r.Group.Need.DecodeSessions), Array(reasons, r => r.Code), Array(reasons, r => r.Message)));
        await LedgerErrors.Map(() => session.SaveChangesAsync(cancel));
    }

    public async Task<WaitRow?> FindWaitAsync(string leaseUid, CancellationToken cancel) => (await RowsAsync(
        Statement.Of(
            """
            select w.code, w.message, p.place,
                   case when p.place < $2 then
                     (select count(*) from (select 1 from framelease.leases o where o.pool = l.pool and o.state = 'Pending' limit $3) a) end
              from framelease.leases l
             cross join lateral (
                    select count(*)::integer as place from (
                      select 1 from framelease.leases o
                       where o.pool = l.pool and o.state = 'Pending' and (o.queue_at, o.uid) <= (l.queue_at, l.uid)
                       order by o.queue_at, o.uid limit $2) b) p
              left join framelease.waits w
                on (w.pool, w.tenant, w.vram, w.encode, w.decode) = (l.pool, l.tenant, l.vram, l.encode, l.decode)
             where l.uid = $1 and l.state = 'Pending'
            """,
            leaseUid, WaitRow.LastPosition + 1, LongestCount),
        r => r.IsDBNull(3) ? new WaitRow(Text(r, 0), Text(r, 1), null, null) : new WaitRow(Text(r, 0), Text(r, 1), r.GetInt32(2), r.GetInt64(3)),
        cancel)).FirstOrDefault();

    static T[] Array<T>(IReadOnlyList<WaitReason> reasons, Func<WaitReason, T> of) => [.. reasons.Select(of)];
}
