using System.Data.Common;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>
/// Leadership as a row in PostgreSQL, one per (cluster, role). The epoch is what fences: it rises with every take-over, and a session that
/// requires an older one is refused (<see cref="IEventSession.RequireEpoch"/>). Time to live is measured by PostgreSQL's clock only.
/// </summary>
public sealed class LeaderEpochs
{
    /// <summary>A session holds the epoch's row for milliseconds. Whoever holds it longer, with its lead expired, is stuck.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    readonly PostgresEventStore _store;
    readonly ILoggerFactory? _loggers;

    internal LeaderEpochs(PostgresEventStore store, ILoggerFactory? loggers)
    {
        _store = store;
        _loggers = loggers;
    }

    /// <summary>
    /// Takes the role when nobody ever held it, its holder released it, or it was last renewed more than <paramref name="ttl"/> ago; then the
    /// epoch is one higher than any before. A holder of the same name takes over at once, under a new epoch: a restarted process need not wait for its
    /// predecessor's time to run out, and the predecessor, should it still live, is fenced.
    /// </summary>
    /// <param name="holder">Name of the candidate, the same after a restart. 1 to 200 characters.</param>
    /// <returns>The lead, or null while another holds it.</returns>
    public async Task<LeaderEpoch?> TryAcquireAsync(string cluster, string role, string holder, TimeSpan ttl, CancellationToken ct)
    {
        ValidateNames(cluster, role);
        ValidateHolder(holder);
        if (ttl <= TimeSpan.Zero) throw new ArgumentOutOfRangeException(nameof(ttl), ttl, "The time to live must be positive.");
        try
        {
            await using var connection = await _store.DataSource.OpenConnectionAsync(ct);
            await using var command = new NpgsqlCommand("select r_epoch, r_renewed_at from framelease.acquire_epoch($1, $2, $3, $4)", connection);
            AddText(command, cluster, role, holder);
            command.Parameters.Add(new() { Value = ttl, NpgsqlDbType = NpgsqlDbType.Interval });
            var acquiring = ReadAsync(command, cluster, role, holder, ct);
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(ct);
            if (await Task.WhenAny(acquiring, Task.Delay(Patience, _store.Time, wait.Token)) != acquiring && !ct.IsCancellationRequested)
                await EndBlockersAsync(connection.ProcessID, cluster, role, ct);
            await wait.CancelAsync();
            return await acquiring;
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    /// <summary>
    /// acquire_epoch waits for the row only when the lead has expired. Then a transaction of the old leader that still holds it belongs to a
    /// client that stopped in the middle of sending (no time-out of PostgreSQL covers that): its connection is ended, its work rolled back.
    /// </summary>
    async Task EndBlockersAsync(int waiting, string cluster, string role, CancellationToken ct)
    {
        try
        {
            await using var owner = Connections.Owner(_store.Options, _loggers);
            await using var command = owner.CreateCommand("select count(pg_terminate_backend(b)) from unnest(pg_blocking_pids($1)) as b");
            command.Parameters.Add(new() { Value = waiting, NpgsqlDbType = NpgsqlDbType.Integer });
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            Log.BlockersEnded(_store.Logger, reader.GetInt64(0), role, cluster);
        }
        // not allowed to, or not reachable: the take-over itself ends by lock_timeout and is tried again
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            Log.BlockersStay(_store.Logger, role, cluster, e);
        }
    }

    /// <summary>False when the lead was lost (or released): stop acting at once.</summary>
    public async Task<bool> RenewAsync(LeaderEpoch lead, CancellationToken ct) => await QueryAsync("""
        update framelease.epochs set renewed_at = clock_timestamp()
        where cluster = $1 and role = $2 and holder = $3 and epoch = $4 returning epoch, renewed_at
        """, lead.Cluster, lead.Role, lead.Holder, lead.Epoch, ct) is not null;

    /// <summary>Lets the next one take over at once; does nothing when the lead is lost already. The epoch stays as a floor.</summary>
    public Task ReleaseAsync(LeaderEpoch lead, CancellationToken ct) => QueryAsync("""
        update framelease.epochs set holder = null
        where cluster = $1 and role = $2 and holder = $3 and epoch = $4 returning epoch, renewed_at
        """, lead.Cluster, lead.Role, lead.Holder, lead.Epoch, ct);

    async Task<LeaderEpoch?> QueryAsync(string sql, string cluster, string role, string holder, long epoch, CancellationToken ct)
    {
        try
        {
            await using var command = _store.DataSource.CreateCommand(sql);
            AddText(command, cluster, role, holder);
            command.Parameters.Add(new() { Value = epoch, NpgsqlDbType = NpgsqlDbType.Bigint });
            return await ReadAsync(command, cluster, role, holder, ct);
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    static void AddText(NpgsqlCommand command, params ReadOnlySpan<string> values)
    {
        foreach (var value in values) command.Parameters.Add(new() { Value = value, NpgsqlDbType = NpgsqlDbType.Varchar });
    }

    static async Task<LeaderEpoch?> ReadAsync(NpgsqlCommand command, string cluster, string role, string holder, CancellationToken ct)
    {
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) && !reader.IsDBNull(0)
            ? new(cluster, role, holder, reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1))
            : null;
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
