using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>Binds a log to one owner, such as a cluster: the first to come, until somebody says that it is another one's now.</summary>
internal static class DatabaseOwner
{
    /// <returns>The owner after the call; <paramref name="owner"/> when there was none.</returns>
    public static Task<string> ClaimAsync(PostgresEventStore store, string owner, CancellationToken ct) => RunAsync(
        store, "insert into framelease.database_owner (owner) values ($1) on conflict (only_one) do nothing", owner, ct);

    public static Task<string> ReplaceAsync(PostgresEventStore store, string owner, CancellationToken ct) => RunAsync(
        store,
        "insert into framelease.database_owner (owner) values ($1) "
        + "on conflict (only_one) do update set owner = excluded.owner, since = clock_timestamp()",
        owner, ct);

    static Task<string> RunAsync(PostgresEventStore store, string write, string owner, CancellationToken ct)
    {
        if (owner.Length is 0 or > 200) throw new ArgumentException($"The owner has {owner.Length} characters; allowed are 1 to 200.", nameof(owner));
        return store.ConnectedAsync(
            async connection =>
            {
                using var batch = new NpgsqlBatch(connection);
                batch.BatchCommands.Add(new(write) { Parameters = { new() { Value = owner, NpgsqlDbType = NpgsqlDbType.Varchar } } });
                batch.BatchCommands.Add(new("select owner from framelease.database_owner"));
                return (string)(await batch.ExecuteScalarAsync(ct))!;
            },
            ct);
    }
}
