using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>The daemon on PostgreSQL. Costs one look at the database a poll interval when nothing happens, however many projections there
/// are.</summary>
public sealed class ProjectionDaemon : IProjectionDaemon
{
    readonly PostgresEventStore _store;
    readonly HighWaterMark _mark;
    readonly List<(Follower Follower, ProjectionKind Kind)> _followers = [];
    int _running;

    /// <param name="subscriptions">Beside the projections of <see cref="EventStoreOptions.Projections"/>.</param>
    /// <exception cref="ArgumentException">Options out of bounds, a bad name, or one used twice.</exception>
    public ProjectionDaemon(
        PostgresEventStore store, IReadOnlyList<Subscription>? subscriptions = null, ProjectionDaemonOptions? options = null)
    {
        options ??= new();
        options.Validate();
        _store = store;
        _mark = new(store, options);
        var rebuild = new ProjectionRebuild(store);
        foreach (var projection in store.Options.Projections.Asynchronous)
            _followers.Add((new ProjectionFollower(store, _mark, options, rebuild, projection), ProjectionKind.Projection));
        var names = store.Options.Projections.All.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var subscription in subscriptions ?? [])
        {
            Projection.ValidateName(subscription.Name);
            if (!names.Add(subscription.Name))
                throw new ArgumentException($"'{subscription.Name}' is declared twice.", nameof(subscriptions));
            _followers.Add((new SubscriptionFollower(store, _mark, options, subscription), ProjectionKind.Subscription));
        }
    }

    public async Task RunAsync(CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _running, 1) == 1) throw new InvalidOperationException("The daemon runs already.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        List<Task> running = [];
        using var gauges = _store.Metrics.Observe(
            () => _followers.Select(f => (f.Follower.Name, Math.Max(0, _mark.Safe - f.Follower.Position))), () => _mark.Held);
        try
        {
            running.Add(_mark.RunAsync(stop.Token));
            running.AddRange(_followers.Select(f => f.Follower.RunAsync(stop.Token)));
            // none of them ends by itself: what ends is a defect, and must be heard
            await await Task.WhenAny(running);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // asked for
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var task in running) await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _running = 0;
        }
    }

    public async Task CatchUpAsync(CancellationToken ct)
    {
        var target = await _store.LatestSequenceAsync(ct);
        foreach (var (follower, _) in _followers)
        {
            while (follower.Position < target)
            {
                if (_running == 0) throw new InvalidOperationException("The daemon does not run here.");
                if (follower.State == ProjectionState.Failed) throw new ProjectionException(follower.Name, follower.Problem!);
                await Task.Delay(TimeSpan.FromMilliseconds(10), _store.Time, ct);
            }
        }
    }

    public async Task<LogHealth> ReadHealthAsync(CancellationToken ct)
    {
        // in a statement of its own before the others, as always
        var (safe, last) = await HighWaterMark.ReadAsync(_store, ct);
        return await _store.ConnectedAsync(async connection =>
        {
            using var batch = new NpgsqlBatch(connection);
            batch.BatchCommands.Add(
                new("select clock_timestamp(), clock_timestamp() - min(h.r_since) from framelease.position_holders() as h"));
            foreach (var (follower, _) in _followers) batch.BatchCommands.Add(LagOf(follower, safe));
            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var now = reader.GetFieldValue<DateTimeOffset>(0);
            var gap = safe == last || reader.IsDBNull(1) ? TimeSpan.Zero : reader.GetTimeSpan(1);
            var healths = new List<ProjectionHealth>(_followers.Count);
            foreach (var (follower, kind) in _followers)
            {
                await reader.NextResultAsync(ct);
                healths.Add(await ReadAsync(reader, follower, kind, safe, now, ct));
            }

            return new LogHealth(safe, last, gap, now, healths);
        }, ct);
    }

    async Task<ProjectionHealth> ReadAsync(
        DbDataReader reader, Follower follower, ProjectionKind kind, long safe, DateTimeOffset now, CancellationToken ct)
    {
        long? position = await reader.ReadAsync(ct) ? reader.GetInt64(0) : null;
        DateTimeOffset? oldest = position is null || reader.IsDBNull(1) ? null : await reader.GetFieldValueAsync<DateTimeOffset>(1, ct);
        // what it has looked at and not told yet, because nothing in it was for it
        var seen = Math.Max(position ?? 0, follower.State == ProjectionState.Running ? follower.Position : 0);
        return new(
            follower.Name, follower.Identity, kind, _running == 0 ? ProjectionState.NotHere : follower.State, position,
            Math.Max(0, safe - seen),
            oldest is { } since && now > since ? now - since : TimeSpan.Zero, follower.Problem);
    }

    /// <summary>Its stored position, and the time of its first event behind it, as far as one look goes.</summary>
    static NpgsqlBatchCommand LagOf(Follower follower, long safe)
    {
        var command = new NpgsqlBatchCommand($"""
            select coalesce(p.last_seq_id, 0), (
              select d.timestamp from framelease_events.mt_events as d
              where d.seq_id > p.last_seq_id and d.seq_id <= least($2, p.last_seq_id + {LogReader.MostPositions}) and d.type <> 'tombstone'
                and ($3::varchar[] is null or d.type = any ($3)) and ($4::text is null or starts_with(d.stream_id, $4))
              order by d.seq_id limit 1)
            from framelease_events.mt_event_progression as p where p.name = $1
            """);
        command.Parameters.Add(new() { Value = follower.Identity, NpgsqlDbType = NpgsqlDbType.Varchar });
        command.Parameters.Add(new() { Value = safe, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new()
        {
            Value = follower.Filter.TypeNames?.ToArray() ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar,
        });
        command.Parameters.Add(new() { Value = follower.Filter.StreamPrefix ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        return command;
    }
}
