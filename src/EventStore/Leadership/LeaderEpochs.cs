using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>
/// Leadership as a row in PostgreSQL, one per (cluster, role). The epoch is what fences: it rises with every take-over, and a session that
/// requires an older one is refused (<see cref="IEventSession.RequireEpoch"/>). Time to live is measured by PostgreSQL's clock only.
/// </summary>
public sealed class LeaderEpochs
{
    readonly NpgsqlDataSource _source;

    internal LeaderEpochs(NpgsqlDataSource source) => _source = source;

    /// <summary>
    /// Takes the role when nobody ever held it, its holder released it, or it was last renewed more than <paramref name="ttl"/> ago; then the
    /// epoch is one higher than any before. The same holder keeps its epoch and renews it.
    /// </summary>
    /// <param name="holder">Unique per process run (a restarted process must not be taken for its predecessor). 1 to 200 characters.</param>
    /// <returns>The lead, or null while another holds it.</returns>
    public async Task<LeaderEpoch?> TryAcquireAsync(string cluster, string role, string holder, TimeSpan ttl, CancellationToken ct)
    {
        ValidateNames(cluster, role);
        ValidateHolder(holder);
        if (ttl <= TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(ttl), ttl, "The time to live must be positive.");
        return await QueryAsync("select r_epoch, r_renewed_at from framelease.acquire_epoch($1, $2, $3, $4)", cluster, role, holder, null, ttl, ct);
    }

    /// <summary>False when the lead was lost (or released): stop acting at once.</summary>
    public async Task<bool> RenewAsync(LeaderEpoch lead, CancellationToken ct) => await QueryAsync("""
        update framelease.epochs set renewed_at = clock_timestamp()
        where cluster = $1 and role = $2 and holder = $3 and epoch = $4 returning epoch, renewed_at
        """, lead.Cluster, lead.Role, lead.Holder, lead.Epoch, null, ct) is not null;

    /// <summary>Lets the next one take over at once; does nothing when the lead is lost already. The epoch stays as a floor.</summary>
    public Task ReleaseAsync(LeaderEpoch lead, CancellationToken ct) => QueryAsync("""
        update framelease.epochs set holder = null
        where cluster = $1 and role = $2 and holder = $3 and epoch = $4 returning epoch, renewed_at
        """, lead.Cluster, lead.Role, lead.Holder, lead.Epoch, null, ct);

    async Task<LeaderEpoch?> QueryAsync(string sql, string cluster, string role, string holder, long? epoch, TimeSpan? ttl, CancellationToken ct)
    {
        try
        {
            await using var command = _source.CreateCommand(sql);
            command.Parameters.Add(new() { Value = cluster, NpgsqlDbType = NpgsqlDbType.Varchar });
            command.Parameters.Add(new() { Value = role, NpgsqlDbType = NpgsqlDbType.Varchar });
            command.Parameters.Add(new() { Value = holder, NpgsqlDbType = NpgsqlDbType.Varchar });
            if (epoch is { } number) command.Parameters.Add(new() { Value = number, NpgsqlDbType = NpgsqlDbType.Bigint });
            if (ttl is { } span) command.Parameters.Add(new() { Value = span, NpgsqlDbType = NpgsqlDbType.Interval });
            await using var reader = await command.ExecuteReaderAsync(ct);
            return await reader.ReadAsync(ct) && !reader.IsDBNull(0)
                ? new(cluster, role, holder, reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1))
                : null;
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    internal static void ValidateNames(string cluster, string role)
    {
        if (cluster.Length is 0 or > 200) throw new ArgumentException("The cluster must have 1 to 200 characters.", nameof(cluster));
        if (role.Length is 0 or > 200) throw new ArgumentException("The role must have 1 to 200 characters.", nameof(role));
    }

    static void ValidateHolder(string holder)
    {
        if (holder.Length is 0 or > 200) throw new ArgumentException("The holder must have 1 to 200 characters.", nameof(holder));
    }
}

/// <summary>A lead that was held at <paramref name="RenewedAt"/> (PostgreSQL's clock).</summary>
public sealed record LeaderEpoch(string Cluster, string Role, string Holder, long Epoch, DateTimeOffset RenewedAt);
