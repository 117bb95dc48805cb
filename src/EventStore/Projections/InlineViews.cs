using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>
/// An inline view is written by every append from the day on that a program declares it; what the log held before, and what an older version
/// made of it, only a rebuild brings in. So the first start with a new view or version makes it anew, once, before anything reads it.
/// </summary>
internal sealed class InlineViews(PostgresEventStore store, NpgsqlDataSource owner)
{
    /// <summary>In a rebuild's last transaction: the view is complete in this version.</summary>
    public const string Record =
        "insert into framelease.inline_views as v (name, version) values ($1, $2) "
        + "on conflict (name) do update set version = excluded.version, made_at = clock_timestamp()";

    static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    public async Task BringUpToDateAsync(CancellationToken ct)
    {
        foreach (var view in store.Options.Projections.Inline)
        {
            while (await IsBehindAsync(view, ct))
            {
                try
                {
                    Log.RebuildNeeded(store.Logger, view.Name, view.Version);
                    await new ProjectionRebuild(store).RunAsync(view.Name, RebuildMode.Swap, null, ct);
                }
                catch (RebuildRunningException)
                {
                    // another replica is at it
                    await Task.Delay(BetweenLooks, store.Time, ct);
                }
            }
        }
    }

    /// <summary>A newer version is a newer program's: it serves this one too. On an empty log there is nothing to make.</summary>
    async Task<bool> IsBehindAsync(Projection view, CancellationToken ct)
    {
        await using var connection = await owner.OpenConnectionAsync(ct);
        using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(With(
            view,
            """
            insert into framelease.inline_views (name, version) select $1, $2
            where not exists (select from framelease_events.mt_events) on conflict (name) do nothing
            """));
        batch.BatchCommands.Add(With(view, "select not exists (select from framelease.inline_views where name = $1 and version >= $2)"));
        return (bool)(await batch.ExecuteScalarAsync(ct))!;
    }

    static NpgsqlBatchCommand With(Projection view, string sql) => new(sql)
    {
        Parameters =
        {
            new() { Value = view.Name, NpgsqlDbType = NpgsqlDbType.Varchar }, new() { Value = view.Version, NpgsqlDbType = NpgsqlDbType.Integer },
        },
    };
}
