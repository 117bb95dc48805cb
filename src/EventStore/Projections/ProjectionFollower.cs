using Npgsql;

namespace Framelease.EventStore;

/// <summary>Follows the log for an asynchronous projection: view and position change in one transaction.</summary>
internal sealed class ProjectionFollower(
    PostgresEventStore store, HighWaterMark mark, ProjectionDaemonOptions options, IProjectionRebuild rebuild, Projection projection)
    : Follower(store, mark, options, projection.Name, projection.Identity)
{
    public override EventFilter Filter { get; } = new(TypeNames: projection.Events);

    /// <summary>
    /// No row and an empty view: begin at the beginning. An older version's row, or a view without any: make it anew beside the old one. A
    /// newer version's: another program's business now.
    /// </summary>
    protected override async Task<long?> StartAsync(CancellationToken ct)
    {
        var rows = await Progress.ReadAsync(Store, Name, ct);
        var versions = rows.Keys.Select(projection.VersionOf).OfType<int>().ToList();
        if (versions.Exists(v => v > projection.Version))
        {
            (State, Problem) =
                (ProjectionState.Superseded, $"version {versions.Max()} has taken the place of version {projection.Version}");
            return null;
        }

        if (rows.TryGetValue(Identity, out var position)) return position;
        if (versions.Count == 0 && await IsEmptyAsync(ct))
        {
            await Progress.StartAsync(Store, Identity, 0, ct);
            return 0;
        }

        (State, Problem) = (ProjectionState.Rebuilding, $"version {projection.Version} is being made beside the running view");
        Log.RebuildingForVersion(Store.Logger, Name, projection.Version);
        await rebuild.RunAsync(Name, RebuildMode.Swap, null, ct);
        return (await Progress.ReadAsync(Store, Name, ct)).TryGetValue(Identity, out position) ? position : null;
    }

    Task<bool> IsEmptyAsync(CancellationToken ct) => Store.ConnectedAsync(async connection =>
    {
        var filled = string.Join(" or ", projection.Tables.Select(t => $"exists (select from {t.Running})"));
        await using var command = new NpgsqlCommand($"select not ({filled})", connection);
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }, ct);

    protected override async Task ApplyAsync(IReadOnlyList<EventEnvelope> events, long floor, long ceiling, CancellationToken ct)
    {
        var view = events.Select(e => new ViewEvent(e)).ToList();
        try
        {
            await Progress.CommitAsync(Store, Identity, floor, ceiling, () => projection.Statements(view, shadow: false), ct);
        }
        catch (EventStoreDatabaseException e) when (view.Count > 0)
        {
            throw new ProjectionException(
                Name, $"PostgreSQL refused its statements for {InlineProjections.Describe(view)}: {e.Message}", e);
        }
    }
}
