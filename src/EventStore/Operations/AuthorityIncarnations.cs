using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>
/// Which server has authority over the log. A dump restored elsewhere, a copy recovered to an earlier moment and a promoted standby may all
/// lack the end of the history, so that they would hand out numbers a second time. PostgreSQL tells them by another system identifier or
/// timeline than the one on record. Until such a server was taken over, above a floor that no lost number reaches, nobody leads on it,
/// <c>framelease.require_authority()</c> refuses, and a pool with <see cref="EventStoreOptions.RequireAuthority"/> does not connect to it.
/// </summary>
public sealed class AuthorityIncarnations
{
    internal const string Require = "select framelease.require_authority()";

    readonly PostgresEventStore _store;

    internal AuthorityIncarnations(PostgresEventStore store) => _store = store;

    /// <summary>
    /// The newest incarnation on record, and the server as it is. Use a store without <see cref="EventStoreOptions.RequireAuthority"/>.
    /// </summary>
    public async Task<AuthorityState> ReadAsync(CancellationToken ct)
    {
        var all = await HistoryAsync(1, ct);
        return await _store.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand("""
                select s.system_identifier, s.timeline, coalesce((
                  select (to_jsonb(a) ->> 'origin')::bigint <> ('framelease.authority'::regclass)::oid::bigint
                  from framelease.authority as a order by a.incarnation desc limit 1),
                    false) -- jsonb: a dump of before the column is looked at, too
                from framelease.server_authority() as s
                """,
                connection);
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            return new AuthorityState(all is [var newest, ..] ? newest : null, reader.GetString(0), reader.GetInt64(1),
                reader.GetBoolean(2));
        }, ct);
    }

    /// <summary>Names the owner of the log, such as a cluster, if nobody did before.</summary>
    /// <param name="owner">1 to 200 characters.</param>
    /// <returns>Whose it is: the name given, or that of who came first. Nothing should be handed out in a log of somebody else's.</returns>
    public Task<string> ClaimAsync(string owner, CancellationToken ct) => DatabaseOwner.ClaimAsync(_store, owner, ct);

    /// <summary>The log is <paramref name="owner"/>'s from now on, because a person says so. Take the authority over first: the owner before may
    /// still be at work.</summary>
    public Task ReplaceOwnerAsync(string owner, CancellationToken ct) => DatabaseOwner.ReplaceAsync(_store, owner, ct);

    /// <summary>Incarnations, newest first.</summary>
    /// <param name="limit">1 to 1,000.</param>
    public Task<IReadOnlyList<AuthorityIncarnation>> HistoryAsync(int limit, CancellationToken ct)
    {
        if (limit is < 1 or > 1000) throw new ArgumentOutOfRangeException(nameof(limit), limit, "The limit must be 1 to 1,000.");
        return _store.RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(
                "select incarnation, system_identifier, timeline, floor, reason, since from framelease.authority order by incarnation "
                    + "desc limit $1", connection);
            command.Parameters.Add(new() { Value = limit, NpgsqlDbType = NpgsqlDbType.Integer });
            await using var reader = await command.ExecuteReaderAsync(ct);
            var found = new List<AuthorityIncarnation>();
            while (await reader.ReadAsync(ct))
                found.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetString(4),
                    reader.GetFieldValue<DateTimeOffset>(5)));
            return (IReadOnlyList<AuthorityIncarnation>)found;
        }, ct);
    }

    /// <summary>
    /// Makes the session take the authority over when it is saved: a new incarnation with this server's identity, and every leader of the
    /// ones before fenced. Put what else must be raised, and the event that tells of it, into the same session.
    /// </summary>
    /// <param name="seen">As read; another take-over since then refuses the session.</param>
    /// <param name="floor">Above every number that was ever handed out, as far as anyone can tell; never lowered.</param>
    /// <param name="reason">Why, for people. 1 to 1,000 characters.</param>
    /// <exception cref="GuardFailedException">From <see cref="IEventSession.SaveChangesAsync"/>, code AuthorityTaken: another one was
    /// faster.</exception>
    public IEventSession TakeOver(IEventSession session, AuthorityState seen, long floor, string reason)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(floor);
        if (reason.Length is 0 or > 1000) throw new ArgumentException(
            $"The reason has {reason.Length} characters; allowed are 1 to 1,000.", nameof(reason));
        var take = new NpgsqlBatchCommand("select framelease.take_authority($1, $2, $3)");
        take.Parameters.Add(new() { Value = seen.Recorded?.Incarnation ?? 0, NpgsqlDbType = NpgsqlDbType.Bigint });
        take.Parameters.Add(new() { Value = floor, NpgsqlDbType = NpgsqlDbType.Bigint });
        take.Parameters.Add(new() { Value = reason, NpgsqlDbType = NpgsqlDbType.Varchar });
        return session.Guard(take);
    }
}

/// <summary>A stretch of the log's life on one server.</summary>
/// <param name="Incarnation">From 1, rising; 0: nobody's, of a log older than the record.</param>
/// <param name="SystemIdentifier">PostgreSQL's, made by initdb.</param>
/// <param name="Timeline">Rises with every promotion and every recovery to a point in time.</param>
/// <param name="Floor">Every fencing number handed out in it lies above.</param>
public sealed record AuthorityIncarnation(
    long Incarnation, string SystemIdentifier, long Timeline, long Floor, string Reason, DateTimeOffset Since);

/// <summary>What is on record, and what the server says of itself.</summary>
/// <param name="Timeline">0 on a standby.</param>
/// <param name="IsRestored">The record was written in other tables: these came from a dump, maybe of this same server.</param>
public sealed record AuthorityState(AuthorityIncarnation? Recorded, string SystemIdentifier, long Timeline, bool IsRestored)
{
    /// <summary>True when this server wrote the newest incarnation.</summary>
    public bool Holds => !IsRestored && Recorded is { } r && r.SystemIdentifier == SystemIdentifier && r.Timeline == Timeline;

    /// <summary>The difference in words; null when there is none.</summary>
    public string? Difference => Holds ? null : IsSameServer ? "the tables were restored from a dump of this same server"
        : string.Create(CultureInfo.InvariantCulture,
        $"the log was last written by {Name(Recorded?.SystemIdentifier, Recorded?.Timeline ?? 0)}; this server "
            + $"is {Name(SystemIdentifier, Timeline)}");

    bool IsSameServer => Recorded is { } r && r.SystemIdentifier == SystemIdentifier && r.Timeline == Timeline;

    static string Name(string? system, long timeline) =>
        string.IsNullOrEmpty(system) ? "an unknown server"
            : string.Create(CultureInfo.InvariantCulture, $"system {system}, timeline {timeline}");
}
