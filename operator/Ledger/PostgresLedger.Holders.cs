// Beats of those who hold a lease without a task.
using Framelease.Operator.Ledger.Sql;

namespace Framelease.Operator.Ledger;

sealed partial class PostgresLedger
{
    // The lease's row is locked against its end, as the attempt's is in the other kind of beat: a beat and an expiry never pass each other.
    const string HolderBeatSql = $"""
        with held as (
          select h.lease_uid, h.timeout, g.drain_message, {DrainLeft} as drain_left
            from framelease.leases g
            join framelease.slots s on s.lease_uid = g.uid and s.state = 'Granted' and s.token = $3
            join framelease.holders h on h.lease_uid = g.uid and h.holder = $2
           where g.uid = $1 and g.state in ('Granted', 'Draining')
             for share of g),
        beaten as (
          update framelease.holders h
             set sequence = $4, beat_at = clock_timestamp(), per_mille = $5, message = $6, utilisation = $7,
                 memory_used = $8, memory_total = $9, temperature = $10,
                 progress = h.progress + (h.per_mille <> $5 or h.message is distinct from $6)::integer,
                 progress_at = case when h.per_mille <> $5 or h.message is distinct from $6 then clock_timestamp() else h.progress_at end,
                 drain_told_at = coalesce(h.drain_told_at, case when held.drain_left is not null then clock_timestamp() end)
            from held
           where h.lease_uid = held.lease_uid and h.sequence < $4
          returning 1)
        select h.timeout, (select count(*) from beaten), h.drain_left, h.drain_message from (select 1) one left join held h on true
        """;

    public async Task<BeatOutcome> BeatHolderAsync(HolderBeat b, CancellationToken cancel)
    {
        var row = (await RowsAsync(
            Statement.Of(
                HolderBeatSql, b.LeaseUid, b.Holder, b.Token, b.Sequence, b.PerMille, b.Message, Whole(b.Device?.UtilisationPercent),
                Big(b.Device?.MemoryUsedMiB), Big(b.Device?.MemoryTotalMiB), Whole(b.Device?.TemperatureCelsius)),
            Beaten, cancel)).Single();
        return row.Timeout is { } timeout ? Outcome(timeout, row.Beaten, row.Drain) : await WhyStaleAsync(b, cancel);
    }

    async Task<BeatOutcome> WhyStaleAsync(HolderBeat b, CancellationToken cancel)
    {
        var why = (await RowsAsync(
            Statement.Of(
                """
                select g.state, h.holder, s.token
                  from framelease.leases g
                  left join framelease.holders h on h.lease_uid = g.uid
                  left join framelease.slots s on s.lease_uid = g.uid
                 where g.uid = $1
                """,
                b.LeaseUid),
            r => (State: r.GetString(0), Holder: Text(r, 1), Token: r.IsDBNull(2) ? (long?)null : r.GetInt64(2)), cancel)).FirstOrDefault();
        var text = why.State is null ? $"no lease {b.LeaseUid} is on record"
            : why.Holder is { } other && other != b.Holder ? $"the lease is {why.State}, and held by {other}"
            : $"the lease is {why.State}";
        return new BeatOutcome.Stale(text, why.Token);
    }
}
