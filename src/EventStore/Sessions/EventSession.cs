using System.Data.Common;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>
/// The batch is sent without BEGIN and COMMIT: PostgreSQL runs what comes before one Sync message as one transaction and commits it at the
/// Sync. So a failed session leaves no transaction open, and none waits for the client between two messages of a round trip.
/// </summary>
internal sealed class EventSession(PostgresEventStore store, SessionMetadata metadata) : IEventSession
{
    const int MostAttempts = 4;
    const int MostStatements = 1000;
    static readonly TimeSpan BeforeRepeat = TimeSpan.FromMilliseconds(25);

    const string QueryFollows = "framelease_query", End = "framelease_end";

    readonly List<StreamAppend> _appends = [];
    readonly List<(string Cluster, string Role, long Epoch)> _epochs = [];
    readonly List<NpgsqlBatchCommand> _guards = [];
    readonly List<(NpgsqlBatchCommand Command, Read? Read)> _writes = [];
    readonly List<Action> _forget = [];
    string? _commandId;
    bool _used;

    delegate Task Read(NpgsqlDataReader reader, CancellationToken ct);

    public string? CommandId
    {
        get => _commandId;
        set
        {
            if (value is { Length: 0 or > 200 } || value?.Contains('\0', StringComparison.Ordinal) == true)
                throw new ArgumentException("CommandId must have 1 to 200 characters, without U+0000.");
            _commandId = value;
        }
    }

    public IEventSession RequireEpoch(string cluster, string role, long epoch)
    {
        LeaderEpochs.ValidateNames(cluster, role);
        _epochs.Add((cluster, role, epoch));
        return this;
    }

    public IEventSession Guard(NpgsqlBatchCommand command)
    {
        _guards.Add(command);
        return this;
    }

    public IEventSession Append(string stream, long expectedVersion, params IReadOnlyList<object> events)
    {
        if (expectedVersion < 0)
            throw new ArgumentOutOfRangeException(nameof(expectedVersion), expectedVersion, "The expected version must be 0 (new stream) or more.");
        return Add(stream, expectedVersion, isStart: false, events);
    }

    public async Task<WritableStream<TState>> FetchForWritingAsync<TState>(
        string stream, Aggregation<TState> aggregation, CancellationToken ct) =>
        new(this, await store.AggregateAsync(stream, aggregation, ct));

    public IEventSession AppendAny(string stream, params IReadOnlyList<object> events) => Add(stream, null, isStart: false, events);

    public IEventSession StartStream(string stream, params IReadOnlyList<object> events) => Add(stream, 0, isStart: true, events);

    EventSession Add(string stream, long? expected, bool isStart, IReadOnlyList<object> events)
    {
        StreamAppend.ValidateKey(stream);
        if (events.Count == 0) throw new ArgumentException($"No events to append to stream '{stream}'.", nameof(events));
        if (_appends.Sum(a => a.Count) + events.Count > store.Options.MaxEventsPerSession)
            throw new ArgumentException($"A session holds at most {store.Options.MaxEventsPerSession} events.", nameof(events));
        var append = _appends.Find(a => a.Stream == stream);
        if (append is null)
        {
            append = new(stream, expected, isStart);
            _appends.Add(append);
        }
        else if (append.Expected + append.Count != expected && !(append.Expected is null && expected is null))
        {
            throw new ArgumentException(
                $"The session already appends to stream '{stream}' and reaches {append.Expected + append.Count}; version {expected} does not follow.", nameof(expected));
        }
        foreach (var data in events)
        {
            var mapping = store.Registry.Of(data);
            var json = store.Registry.Serialize(mapping, data);
            // a char is at most 3 bytes of UTF-8: count exactly only when it could matter
            if (json.Length > store.Options.MaxEventBytes / 3 && StreamAppend.ByteCount(json) is var bytes && bytes > store.Options.MaxEventBytes)
                throw new EventTooLargeException(mapping.Name, bytes, store.Options.MaxEventBytes);
            append.Add(store.Options.NewId(), mapping, json, EventHeaders.Write(metadata.Headers ?? EventHeaders.None, mapping.Version));
        }
        return this;
    }

    public IEventSession Write(NpgsqlBatchCommand command)
    {
        _writes.Add((command, null));
        return this;
    }

    public SessionQuery<T> Query<T>(NpgsqlBatchCommand command, Func<DbDataReader, T> map)
    {
        var query = new SessionQuery<T>();
        _writes.Add((command, async (reader, ct) =>
        {
            var rows = new List<T>();
            Exception? failure = null;
            while (await reader.ReadAsync(ct))
            {
                try
                {
                    if (failure is null) rows.Add(map(reader));
                }
                // the caller's mistake must not look like a failed commit: it is thrown where the rows are read
                catch (Exception e) when (e is not (OutOfMemoryException or NpgsqlException or OperationCanceledException))
                {
                    failure = e;
                }
            }
            query.Set(rows, failure);
        }
        ));
        _forget.Add(() => query.Set([]));
        return query;
    }

    public async Task<CommitResult> SaveChangesAsync(CancellationToken ct)
    {
        if (_used) throw new InvalidOperationException("A session is saved once: open another one.");
        _used = true;
        if (_epochs.Count + _guards.Count + _appends.Count + _writes.Count > MostStatements)
            throw new InvalidOperationException($"A session holds at most {MostStatements} statements.");
        var isProjected = store.Options.Projections.Want(_appends);
        // before the caller's writes, which may then see the views
        if (isProjected) _writes.InsertRange(0, InlineProjections.WritesOf(store, [.. Sorted()], metadata).Select(w => (w, (Read?)null)));
        return store.Options.UseGroupCommit && _appends is [var only] && _commandId is null && _epochs.Count + _guards.Count + _writes.Count == 0
            ? await store.Groups.AppendAsync(only, metadata, () => SaveAloneAsync(ct), ct)
            : await SaveAloneAsync(ct);
    }

    async Task<CommitResult> SaveAloneAsync(CancellationToken ct)
    {
        var started = store.Time.GetTimestamp();
        Exception? lost = null;
        for (var attempt = 1; ; attempt++)
        {
            var sent = false;
            Exception failure;
            try
            {
                await using var connection = await store.DataSource.OpenConnectionAsync(ct);
                using var batch = BuildBatch(connection, isRepeat: attempt > 1);
                sent = true;
                CommitResult result;
                try
                {
                    result = await ExecuteAsync(batch, ct);
                }
                catch (PostgresException e) when (SqlStates.IsUnreadableJson(e))
                {
                    store.Distrust();
                    throw;
                }

                store.Metrics.Committed(_appends.Sum(a => a.Count), store.Time.GetElapsedTime(started));
                if (_appends.Count > 0) store.Signal.Appended();
                return result;
            }
            catch (Exception e) when (e is DbException or OperationCanceledException or TimeoutException or IOException)
            {
                failure = e;
            }

            if (SqlStates.IsConnectionLost(failure)) store.DataSource.Clear();
            if (sent && failure is PostgresException { SqlState: SqlStates.CommandCommitted }) return await RepeatedAsync(ct);
            var isDefinite = !sent || SqlStates.IsDefinite(failure);
            if (sent && isDefinite && SqlStates.IsWorthRepeating(failure) && attempt < MostAttempts)
            {
                // a moment for whoever won: on a busy machine we would else be back before it has woken, and in the same circle again
                await Task.Delay(BeforeRepeat * attempt, store.Time, CancellationToken.None);
                continue;
            }

            if (!isDefinite) lost = failure;
            if (lost is null)
            {
                if (failure is OperationCanceledException) ExceptionDispatchInfo.Throw(failure);
                throw Explain(failure);
            }
            // A refusal for cause proves that begin_command had passed, so the lost attempt was rolled back. A transient one (such as a lock
            // time-out while waiting for that attempt's twin) proves nothing.
            if (sent && isDefinite && failure is not OperationCanceledException && Explain(failure) is { IsTransient: false } refusal) throw refusal;
            await PauseBeforeSeekingAsync(lost, attempt, store.Time.GetElapsedTime(started), ct);
        }
    }

    /// <summary>
    /// The old transaction may still be running, or be committed. With a command id the same batch may simply be sent again: its first
    /// statement waits for the old one and then either finds its result or does the work.
    /// </summary>
    async Task PauseBeforeSeekingAsync(Exception lost, int attempt, TimeSpan elapsed, CancellationToken ct)
    {
        if (_commandId is not null && !ct.IsCancellationRequested && elapsed < store.Options.OutcomeSearch)
        {
            Log.SeekingOutcome(store.Logger, _commandId, lost);
            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(20 << Math.Min(attempt, 6), 500)), store.Time, ct);
                return;
            }
            catch (OperationCanceledException)
            {
                // falls through: what is known is only that nothing is known
            }
        }
        store.Metrics.Failed("unknown");
        throw CommitOutcomeUnknownException.ConnectionLost(lost);
    }

    NpgsqlBatch BuildBatch(NpgsqlConnection connection, bool isRepeat)
    {
        var batch = new NpgsqlBatch(connection);
        if (_commandId is not null) batch.BatchCommands.Add(CommandIdStatement("select framelease.begin_command($1)"));
        foreach (var (cluster, role, epoch) in _epochs) batch.BatchCommands.Add(EpochStatement(cluster, role, epoch));
        foreach (var guard in _guards) batch.BatchCommands.Add(isRepeat ? Fresh(guard) : guard);
        foreach (var append in Sorted()) batch.BatchCommands.Add(append.ToCommand(metadata, record: _commandId is not null));
        foreach (var (write, read) in _writes)
        {
            if (read is not null) batch.BatchCommands.Add(new($"select 1 as {QueryFollows}"));
            batch.BatchCommands.Add(isRepeat ? Fresh(write) : write);
        }
        if (_commandId is not null)
            batch.BatchCommands.Add(CommandIdStatement($"select framelease.end_command($1) as {End}"));
        else if (_appends.Count == 0 || _writes.Count > 0) // else the last append tells the time
            batch.BatchCommands.Add(new($"select clock_timestamp() as {End}"));
        return batch;
    }

    IEnumerable<StreamAppend> Sorted() => _appends.OrderBy(a => a.Stream, StringComparer.Ordinal);

    /// <summary>A command that ran remembers its connection's prepared statement, which another connection does not have.</summary>
    static NpgsqlBatchCommand Fresh(NpgsqlBatchCommand used)
    {
        var fresh = new NpgsqlBatchCommand(used.CommandText);
        foreach (NpgsqlParameter parameter in used.Parameters) fresh.Parameters.Add(parameter.Clone());
        return fresh;
    }

    static NpgsqlBatchCommand EpochStatement(string cluster, string role, long epoch)
    {
        var command = new NpgsqlBatchCommand("select framelease.require_epoch($1, $2, $3)");
        command.Parameters.Add(new() { Value = cluster, NpgsqlDbType = NpgsqlDbType.Varchar });
        command.Parameters.Add(new() { Value = role, NpgsqlDbType = NpgsqlDbType.Varchar });
        command.Parameters.Add(new() { Value = epoch, NpgsqlDbType = NpgsqlDbType.Bigint });
        return command;
    }

    NpgsqlBatchCommand CommandIdStatement(string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new() { Value = _commandId!, NpgsqlDbType = NpgsqlDbType.Varchar });
        return command;
    }

    /// <summary>
    /// Reads every result to the end: what came back counts only once the last NextResult has returned false, because that is when PostgreSQL
    /// has answered the Sync, hence committed. Statements of the caller may or may not have a result, so ours are told apart by their column.
    /// </summary>
    async Task<CommitResult> ExecuteAsync(NpgsqlBatch batch, CancellationToken ct)
    {
        var commits = new Dictionary<string, StreamCommit>(StringComparer.Ordinal);
        using var appends = Sorted().GetEnumerator();
        using var queries = _writes.Where(w => w.Read is not null).Select(w => w.Read!).GetEnumerator();
        DateTimeOffset timestamp = default;
        await using var reader = await batch.ExecuteReaderAsync(ct);
        do
        {
            if (reader.FieldCount == 0) continue;
            switch (reader.GetName(0))
            {
                case StreamAppend.ResultColumn when appends.MoveNext() && await reader.ReadAsync(ct):
                    commits.Add(appends.Current.Stream, new(appends.Current.Stream, reader.GetInt64(0), reader.GetFieldValue<long[]>(1)));
                    timestamp = reader.GetFieldValue<DateTimeOffset>(2);
                    break;
                case QueryFollows when queries.MoveNext() && await reader.NextResultAsync(ct):
                    await queries.Current(reader, ct);
                    break;
                case End when await reader.ReadAsync(ct):
                    timestamp = reader.GetFieldValue<DateTimeOffset>(0);
                    break;
            }
        }
        while (await reader.NextResultAsync(ct));
        return new([.. _appends.Select(a => commits[a.Stream])], timestamp);
    }

    /// <summary>The result that the command's first commit left.</summary>
    async Task<CommitResult> RepeatedAsync(CancellationToken ct)
    {
        store.Metrics.Failed("repeated");
        foreach (var forget in _forget) forget();
        await using var command = store.DataSource.CreateCommand("select result::text, committed_at from framelease.commands where id = $1");
        command.Parameters.Add(new() { Value = _commandId!, NpgsqlDbType = NpgsqlDbType.Varchar });
        try
        {
            await using var reader = await command.ExecuteReaderAsync(ct);
            if (!await reader.ReadAsync(ct))
                throw new EventStoreUnavailableException($"Command '{_commandId}' was pruned while it was being repeated. Mend: repeat again.");
            using var result = JsonDocument.Parse(reader.GetString(0));
            var streams = result.RootElement.EnumerateArray().Select(e => new StreamCommit(
                e.GetProperty("stream").GetString()!,
                e.GetProperty("version").GetInt64(),
                [.. e.GetProperty("sequences").EnumerateArray().Select(n => n.GetInt64())]));
            return new([.. streams], reader.GetFieldValue<DateTimeOffset>(1), IsRepeat: true);
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    EventStoreException Explain(Exception e)
    {
        var explained = e switch
        {
            PostgresException { SqlState: SqlStates.WrongVersion } p when FindAppend(p) is { } a => a.IsStart
                ? new ExistingStreamIdCollisionException(a.Stream, SqlStates.DetailNumber(p), p)
                : new EventStreamUnexpectedMaxEventIdException(a.Stream, a.Expected ?? 0, SqlStates.DetailNumber(p), p),
            PostgresException { SqlState: SqlStates.Archived } p when FindAppend(p) is { } a => new InvalidStreamOperationException(a.Stream, p),
            PostgresException { SqlState: SqlStates.Fenced } p when FindEpoch(p) is var (cluster, role, epoch) =>
                new EpochFencedException(cluster, role, epoch, SqlStates.DetailNumber(p), p),
            _ => SqlStates.ToEventStoreException(e),
        };
        store.Metrics.Failed(explained switch
        {
            EventStreamUnexpectedMaxEventIdException or ExistingStreamIdCollisionException => "conflict",
            EpochFencedException => "fenced",
            GuardFailedException => "guard",
            { IsTransient: true } => "unavailable",
            _ => "error",
        });
        return explained;
    }

    StreamAppend? FindAppend(PostgresException p)
    {
        // the failed statement's first parameter is the stream
        var stream = p.BatchCommand is NpgsqlBatchCommand { Parameters.Count: > 0 } command ? command.Parameters[0].Value as string : null;
        return _appends.Find(a => a.Stream == stream) ?? (_appends.Count == 1 ? _appends[0] : null);
    }

    (string Cluster, string Role, long Epoch) FindEpoch(PostgresException p) => p.BatchCommand is NpgsqlBatchCommand { Parameters.Count: 3 } command
        ? _epochs.Find(e => e.Cluster == (command.Parameters[0].Value as string) && e.Role == (command.Parameters[1].Value as string))
        : _epochs[0];
}
