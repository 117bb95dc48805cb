using Npgsql;

namespace Framelease.EndToEnd.Tests.Support;

/// <summary>What the log says of who had which slot.</summary>
static class GrantLog
{
    // A slot is somebody's from its grant to the event that gives it back or frees it. Whoever is granted it in between, or not under a
    // higher token, is a row.
    const string OverlapSql =
        """
        with grants as (
          select seq_id, stream_id, data -> 'slot' as slot, (data ->> 'token')::bigint as token
          from framelease_events.mt_events where type = 'lease_granted')
        select first.stream_id, second.stream_id, first.slot::text
        from grants first join grants second on second.slot = first.slot and second.seq_id > first.seq_id
        where second.token <= first.token or not exists (
          select from framelease_events.mt_events given
          where given.stream_id = first.stream_id and given.type in ('lease_released', 'slot_freed')
            and given.seq_id > first.seq_id and given.seq_id < second.seq_id)
        """;

    public static Task<IReadOnlyList<string>> OverlapsAsync(string connection) => AskAsync<IReadOnlyList<string>>(connection, async source =>
    {
        await using var command = source.CreateCommand(OverlapSql);
        var found = new List<string>();
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
            found.Add($"{rows.GetString(0)} and {rows.GetString(1)} had {rows.GetString(2)} at once");
        return found;
    });

    public static async Task<long> CountAsync(string connection, params string[] types) => (long)await AskAsync(connection, async source =>
    {
        await using var command = source.CreateCommand("select count(*) from framelease_events.mt_events where type = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = types });
        return (await command.ExecuteScalarAsync())!;
    });

    // The database may have been killed a moment ago: it is waited for.
    static async Task<T> AskAsync<T>(string connection, Func<NpgsqlDataSource, Task<T>> ask)
        where T : class
    {
        await using var source = NpgsqlDataSource.Create(connection);
        return await Until.NotNull(
            async () =>
            {
                try
                {
                    return await ask(source);
                }
                catch (NpgsqlException error) when (error.IsTransient || error.SqlState == PostgresErrorCodes.CannotConnectNow)
                {
                    return null;
                }
            },
            "the platform's database answers");
    }
}
