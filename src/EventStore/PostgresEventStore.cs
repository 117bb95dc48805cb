using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>The store on PostgreSQL. One a process and database; thread-safe.</summary>
public sealed class PostgresEventStore : IEventStore, IDatabaseClock, IAsyncDisposable
{

    /// <exception cref="ArgumentException">Options out of bounds, or a registry with a missing upcaster.</exception>
    public PostgresEventStore(EventStoreOptions options, EventRegistry registry, TimeProvider time, ILoggerFactory? loggers = null)
    {
        options.Validate();
        registry.Validate();
        options.Projections.Validate(registry);
        Options = options;
        Registry = registry;
        Time = time;
        Loggers = loggers;
        Logger = loggers?.CreateLogger<PostgresEventStore>() ?? (ILogger)NullLogger.Instance;
        DataSource = Connections.Pool(options, loggers);
        Signal = new(this, loggers);
        Groups = new(this);
        Epochs = new(this, loggers);
        Authority = new(this);
    }

    /// <summary>The store's pool, in the application's role, for queries of views. Leave no session state behind in a connection.</summary>
    public NpgsqlDataSource DataSource { get; }

    /// <summary>Leadership by epochs in the same database.</summary>
    public LeaderEpochs Epochs { get; }

    /// <summary>Which server has authority over the log.</summary>
    public AuthorityIncarnations Authority { get; }

    internal EventStoreOptions Options { get; }

    internal EventRegistry Registry { get; }

    internal TimeProvider Time { get; }

    internal ILoggerFactory? Loggers { get; }

    internal ILogger Logger { get; }

    internal Metrics Metrics { get; } = new();

    internal AppendSignal Signal { get; }

    internal GroupCommit Groups { get; }

    public async Task MigrateAsync(CancellationToken ct, params IReadOnlyList<SchemaScripts> more)
    {
        await using var owner = Connections.Owner(Options, Loggers);
        try
        {
            await new SchemaMigrator(owner, Options, Logger).RunAsync([SchemaScripts.Own, .. more], ct);
            await new InlineViews(this, owner).BringUpToDateAsync(ct);
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    /// <summary>
    /// Removes the records of commands that were committed longer ago than <paramref name="age"/>, oldest first, in transactions of 1,000.
    /// Such a command would be carried out anew if somebody repeated it. Cheap when there is nothing to do; safe on several processes at
    /// once.
    /// </summary>
    /// <param name="age">At least <see cref="EventStoreOptions.CommandRetryWindow"/>.</param>
    /// <param name="mostBatches">1 to 1,000; what is left waits for the next call.</param>
    /// <returns>How many were removed.</returns>
    public Task<long> PruneCommandsAsync(TimeSpan age, int mostBatches, CancellationToken ct)
    {
        if (age < Options.CommandRetryWindow)
            throw new ArgumentOutOfRangeException(
                nameof(age), age, $"A command may be repeated for {Options.CommandRetryWindow}: its record is kept at least as long.");
        if (mostBatches is < 1 or > 1000) throw new ArgumentOutOfRangeException(
            nameof(mostBatches), mostBatches, "Batches must be 1 to 1,000.");
        return CommandPruning.RunAsync(this, age, mostBatches, ct);
    }

    /// <summary>
    /// Looks for what cannot be in a sound log: versions with holes, streams that disagree with their events, events that this program
    /// cannot read, progressions beyond the log, a sequence behind it. Reads everything, changes nothing, works beside a running program;
    /// make the store without <see cref="EventStoreOptions.RequireAuthority"/> to look at a restored copy.
    /// </summary>
    public Task<LogReport> VerifyAsync(CancellationToken ct) => new LogVerifier(this).RunAsync(ct);

    public IEventSession OpenSession(SessionMetadata? metadata = null)
    {
        metadata ??= new();
        metadata.Validate();
        return new EventSession(this, metadata);
    }

    public async Task<StreamSlice> FetchStreamAsync(string stream, long fromVersion, CancellationToken ct) =>
        (await LoadAsync([stream], fromVersion, null, null, ct))[0];

    public Task<IReadOnlyList<StreamSlice>> FetchStreamsAsync(IReadOnlyList<string> streams, CancellationToken ct)
    {
        if (streams.Count is 0 or > 100) throw new ArgumentException($"{streams.Count} streams; allowed are 1 to 100.", nameof(streams));
        return LoadAsync(streams, 1, null, null, ct);
    }

    public async Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, TState seed, Func<TState, EventEnvelope, TState> evolve, CancellationToken ct, long? atVersion = null, DateTimeOffset? atTime = null)
    {
        var slice = (await LoadAsync([stream], 1, atVersion, atTime, ct))[0];
        return new(stream, slice.Events.Aggregate(seed, evolve), slice.Version, slice.IsArchived, slice.Events.Count(e => e.IsUnknown), slice.Now);
    }

    public Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, Aggregation<TState> aggregation, CancellationToken ct, long? atVersion = null, DateTimeOffset? atTime = null) =>
        AggregateLoader.LoadAsync(this, stream, aggregation, atVersion, atTime, ct);

    public async IAsyncEnumerable<EventEnvelope> ReadTypesAsync(
        IReadOnlyCollection<string> typeNames, long afterSequence, [EnumeratorCancellation] CancellationToken ct)
    {
        if (typeNames.Count == 0) throw new ArgumentException("No event names.", nameof(typeNames));
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        var end = await LatestSequenceAsync(ct);
        var filter = new EventFilter(TypeNames: typeNames);
        for (var position = afterSequence; position < end;)
        {
            var page = await LogReader.ReadAsync(this, position, end, filter, 1000, ct);
            Metrics.Loaded(page.Events.Count);
            foreach (var e in page.Events) yield return e;
            position = page.Position;
        }
    }

    Task<IReadOnlyList<StreamSlice>> LoadAsync(
        IReadOnlyList<string> streams, long fromVersion, long? atVersion, DateTimeOffset? atTime, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromVersion);
        fromVersion = Math.Max(fromVersion, 1);
        return RunAsync(async connection =>
        {
            using var batch = new NpgsqlBatch(connection);
            foreach (var stream in streams)
            {
                StreamAppend.ValidateKey(stream);
                var state = new NpgsqlBatchCommand("select s.version, s.is_archived from framelease_events.mt_streams as s where s.id = $1");
                state.Parameters.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
                batch.BatchCommands.Add(state);
                var events = new NpgsqlBatchCommand($"""
                    select {EventReader.Columns} from framelease_events.mt_events as d
                    where d.stream_id = $1 and d.version >= $2 and {EventReader.OnlyEvents}
                    {(atVersion is null ? "" : "and d.version <= $3")} {(atTime is null ? "" : atVersion is null ? "and d.timestamp <= $3" : "and d.timestamp <= $4")}
                    order by d.version
                    """);
                events.Parameters.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
                events.Parameters.Add(new() { Value = fromVersion, NpgsqlDbType = NpgsqlDbType.Bigint });
                if (atVersion is { } version) events.Parameters.Add(new() { Value = version, NpgsqlDbType = NpgsqlDbType.Bigint });
                if (atTime is { } time) events.Parameters.Add(new() { Value = time.ToUniversalTime(), NpgsqlDbType = NpgsqlDbType.TimestampTz });
                batch.BatchCommands.Add(events);
            }
            // last, so that no loaded event is younger than the time that decides about it
            batch.BatchCommands.Add(new("select clock_timestamp()"));

            await using var reader = await batch.ExecuteReaderAsync(ct);
            var slices = new List<StreamSlice>(streams.Count);
            foreach (var stream in streams)
            {
                var (stored, archived) = await reader.ReadAsync(ct) ? (reader.IsDBNull(0) ? 0 : reader.GetInt64(0), !reader.IsDBNull(1) && reader.GetBoolean(1)) : (0, false);
                await reader.NextResultAsync(ct);
                var events = await EventReader.ReadAsync(reader, Registry, ct);
                await reader.NextResultAsync(ct);
                // The two statements have a snapshot each, and the version must be that of the events. Nothing after fromVersion was seen,
                // whatever the first statement said.
                var version = events.Count > 0 ? events[^1].Version : archived ? stored : Math.Min(stored, fromVersion - 1);
                slices.Add(new(stream, version, archived, events, default));
            }
            await reader.ReadAsync(ct);
            var now = reader.GetFieldValue<DateTimeOffset>(0);
            Metrics.Loaded(slices.Sum(s => s.Events.Count));
            return (IReadOnlyList<StreamSlice>)[.. slices.Select(s => s with { Now = now })];
        }, ct);
    }

    public Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken ct)
    {
        StreamAppend.ValidateKey(stream);
        return RunAsync(async connection =>
        {
            await using var command = new NpgsqlCommand(
                "select s.version, s.type, s.timestamp, s.created, s.is_archived, clock_timestamp() from framelease_events.mt_streams as s where s.id = $1", connection);
            command.Parameters.Add(new() { Value = stream, NpgsqlDbType = NpgsqlDbType.Varchar });
            await using var reader = await command.ExecuteReaderAsync(ct);
            if (!await reader.ReadAsync(ct)) return null;
            return new StreamState(stream, reader.IsDBNull(0) ? 0 : reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetString(1),
                reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3), !reader.IsDBNull(4) && reader.GetBoolean(4),
                reader.GetFieldValue<DateTimeOffset>(5));
        }, ct);
    }

    public Task<EventPage> ReadAllAsync(long afterSequence, int limit, EventFilter? filter, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(afterSequence);
        if (limit is < 1 or > 10_000) throw new ArgumentOutOfRangeException(nameof(limit), limit, "The limit must be 1 to 10,000.");
        return RunAsync(async connection =>
        {
            using var batch = new NpgsqlBatch(connection);
            // the position is taken in a statement of its own, before the snapshot that reads the events (safe_position says why)
            batch.BatchCommands.Add(new("select set_config('framelease.position', p::text, true), p, clock_timestamp() from framelease.safe_position() as p"));
            var events = new NpgsqlBatchCommand($"""
                select {EventReader.Columns} from framelease_events.mt_events as d
                where d.seq_id > $1 and d.seq_id <= current_setting('framelease.position')::bigint and {EventReader.OnlyEvents}
                {(filter?.StreamPrefix is null ? "" : "and starts_with(d.stream_id, $3)")}
                {(filter?.TypeNames is null ? "" : $"and d.type = any (${(filter.StreamPrefix is null ? 3 : 4)})")}
                order by d.seq_id limit $2
                """);
            events.Parameters.Add(new() { Value = afterSequence, NpgsqlDbType = NpgsqlDbType.Bigint });
            events.Parameters.Add(new() { Value = limit, NpgsqlDbType = NpgsqlDbType.Integer });
            if (filter?.StreamPrefix is { } prefix) events.Parameters.Add(new() { Value = prefix, NpgsqlDbType = NpgsqlDbType.Text });
            if (filter?.TypeNames is { } names)
                events.Parameters.Add(new() { Value = names.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar });
            batch.BatchCommands.Add(events);

            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var position = reader.GetInt64(1);
            var now = reader.GetFieldValue<DateTimeOffset>(2);
            await reader.NextResultAsync(ct);
            var page = await EventReader.ReadAsync(reader, Registry, ct);
            Metrics.Loaded(page.Count);
            var full = page.Count == limit;
            return new EventPage(page, full ? page[^1].Sequence : Math.Max(position, afterSequence), full, now);
        }, ct);
    }

    public Task<long> LatestSequenceAsync(CancellationToken ct) => ScalarAsync<long>("select framelease.safe_position()", ct);

    public Task<DateTimeOffset> NowAsync(CancellationToken ct) => ScalarAsync<DateTimeOffset>("select clock_timestamp()", ct);

    public async IAsyncEnumerable<EventEnvelope> SubscribeAsync(
        long afterSequence, EventFilter? filter, [EnumeratorCancellation] CancellationToken ct)
    {
        const int pageSize = 500;
        var position = afterSequence;
        while (true)
        {
            // asked for before the look: a commit in between leaves the hint set, so the wait below ends at once
            var hint = Signal.NextHint();
            EventPage? page = null;
            try
            {
                page = await ReadAllAsync(position, pageSize, filter, ct);
            }
            catch (EventStoreException e) when (e.IsTransient)
            {
                Log.SubscriptionWaits(Logger, position, e);
            }
            if (page is not null)
            {
                foreach (var e in page.Events) yield return e;
                position = page.Position;
                if (page.HasMore) continue;
            }
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(ct);
            await Task.WhenAny(hint, Task.Delay(Options.PollInterval, Time, wait.Token));
            await wait.CancelAsync();
            ct.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// For use while a connection is still open on which a parameter was refused: Npgsql 10.0.0 has then been seen to lose its place in the
    /// protocol ("unexpected backend message") in the next command. All connections are replaced when they come back to the pool.
    /// </summary>
    internal void Distrust() => DataSource.Clear();

    internal Task<T> ScalarAsync<T>(string sql, CancellationToken ct) => RunAsync(async connection =>
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return reader.GetFieldValue<T>(0);
    }, ct);

    public Task<IReadOnlyList<T>> QueryAsync<T>(NpgsqlBatchCommand statement, Func<DbDataReader, T> map, CancellationToken ct) =>
        ConnectedAsync<IReadOnlyList<T>>(
            async connection =>
            {
                // parameters know the connection that they were sent on: a repeat brings its own
                await using var command = new NpgsqlCommand(statement.CommandText, connection);
                foreach (NpgsqlParameter parameter in statement.Parameters) command.Parameters.Add(parameter.Clone());
                await using var reader = await command.ExecuteReaderAsync(ct);
                var rows = new List<T>();
                while (await reader.ReadAsync(ct)) rows.Add(map(reader));
                return rows;
            },
            ct);

    /// <summary>As <see cref="ConnectedAsync"/>, measured as a load.</summary>
    internal async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        var started = Time.GetTimestamp();
        var result = await ConnectedAsync(read, ct);
        Metrics.LoadTook(Time.GetElapsedTime(started));
        return result;
    }

    /// <summary>
    /// For work that has no outcome to lose (a read, or a write that finds out by itself that it was done): after a connection that died in
    /// the pool, or a deadlock, it is tried once more; other errors get their name.
    /// </summary>
    internal async Task<T> ConnectedAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await DataSource.OpenConnectionAsync(ct);
                return await work(connection);
            }
            catch (Exception e) when (e is DbException or TimeoutException or IOException)
            {
                if (e is PostgresException p && SqlStates.IsUnreadableJson(p)) Distrust();
                if (SqlStates.IsConnectionLost(e)) DataSource.Clear();
                if (attempt == 1 && (SqlStates.IsConnectionLost(e) || SqlStates.IsWorthRepeating(e))) continue;
                throw SqlStates.ToEventStoreException(e);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Signal.DisposeAsync();
        await DataSource.DisposeAsync();
        Metrics.Dispose();
    }
}
