// Old command records: kept for as long as a command may be repeated, then removed in small transactions.
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

internal static class CommandPruning
{
    public const int BatchSize = 1000;

    /// <summary>Oldest first; a row that a repeated command holds is left for the next time.</summary>
    const string Sql = """
        delete from framelease.commands as c using (
          select id from framelease.commands where committed_at < clock_timestamp() - $1 order by committed_at limit $2
            for update skip locked) as old
        where c.id = old.id
        """;

    public static async Task<long> RunAsync(PostgresEventStore store, TimeSpan age, int mostBatches, CancellationToken ct)
    {
        var pruned = 0L;
        for (var batch = 0; batch < mostBatches; batch++)
        {
            var rows = await store.RunAsync(async connection =>
            {
                await using var command = new NpgsqlCommand(Sql, connection);
                command.Parameters.Add(new() { Value = age, NpgsqlDbType = NpgsqlDbType.Interval });
                command.Parameters.Add(new() { Value = BatchSize, NpgsqlDbType = NpgsqlDbType.Integer });
                return await command.ExecuteNonQueryAsync(ct);
            }, ct);
            pruned += rows;
            if (rows < BatchSize) break;
        }
        return pruned;
    }
}
