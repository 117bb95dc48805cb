using Npgsql;

namespace Framelease.Benchmarks.Leases.Mixed;

/// <summary>What the log says of one lease; times by PostgreSQL's clock.</summary>
/// <param name="Cause">Of its expiry.</param>
sealed record LeaseStory(
    string Name, DateTime Requested, DateTime? Granted, DateTime? Ended, DateTime? Expired, string? Cause, DateTime? Quarantined, DateTime? Freed)
{
    public bool GaveUp => Granted is null && Ended is not null;

    public bool TimedOut => Cause is "HardTimeout" or "Stalled" or "StartDeadline";
}

static class LeaseLog
{
    const string Stories =
        """
        select r.data ->> 'name', r.timestamp, e.granted, e.ended, e.expired, e.cause, e.quarantined, e.freed
        from framelease_events.mt_events r
        cross join lateral (
          select min(timestamp) filter (where type = 'lease_granted') as granted,
                 min(timestamp) filter (where type in ('lease_released', 'lease_expired', 'lease_revoked', 'lease_gave_up')) as ended,
                 min(timestamp) filter (where type = 'lease_expired') as expired,
                 min(data ->> 'cause') filter (where type = 'lease_expired') as cause,
                 min(timestamp) filter (where type = 'slot_quarantined') as quarantined,
                 min(timestamp) filter (where type = 'slot_freed') as freed
          from framelease_events.mt_events e where e.stream_id = r.stream_id) e
        where r.type = 'lease_requested' order by r.seq_id
        """;

    // A slot is somebody's from its grant to the event that gives it back or frees it.
    const string Overlaps =
        """
        with grants as (
          select seq_id, stream_id, data -> 'slot' as slot, (data ->> 'token')::bigint as token
          from framelease_events.mt_events where type = 'lease_granted')
        select count(*)
        from grants first join grants second on second.slot = first.slot and second.seq_id > first.seq_id
        where second.token <= first.token or not exists (
          select from framelease_events.mt_events given
          where given.stream_id = first.stream_id and given.type in ('lease_released', 'slot_freed')
            and given.seq_id > first.seq_id and given.seq_id < second.seq_id)
        """;

    // One slot and a queue that is never empty: what ended the one let the next begin.
    const string FreedToAttached =
        """
        select extract(epoch from a.timestamp - freed.timestamp)::float8
        from framelease_events.mt_events a
        cross join lateral (
          select timestamp from framelease_events.mt_events f
          where f.type in ('slot_freed', 'lease_released') and f.seq_id < a.seq_id order by f.seq_id desc limit 1) freed
        where a.type = 'attempt_attached' order by a.seq_id
        """;

    public static async Task<IReadOnlyList<LeaseStory>> ReadAsync(string postgres, CancellationToken ct) => await ListAsync(
        postgres, Stories,
        r => new LeaseStory(r.GetString(0), r.GetDateTime(1), Time(r, 2), Time(r, 3), Time(r, 4), r.IsDBNull(5) ? null : r.GetString(5), Time(r, 6), Time(r, 7)),
        ct);

    public static async Task<long> CountOverlapsAsync(string postgres, CancellationToken ct) =>
        (await ListAsync(postgres, Overlaps, r => r.GetInt64(0), ct))[0];

    public static async Task<IReadOnlyList<TimeSpan>> FreedToAttachedAsync(string postgres, CancellationToken ct) =>
        await ListAsync(postgres, FreedToAttached, r => TimeSpan.FromSeconds(r.GetDouble(0)), ct);

    static DateTime? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDateTime(column);

    static async Task<List<T>> ListAsync<T>(string postgres, string sql, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(postgres);
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync(ct);
        var list = new List<T>();
        while (await rows.ReadAsync(ct))
            list.Add(read(rows));
        return list;
    }
}
