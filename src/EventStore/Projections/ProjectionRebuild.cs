using System.Data;
using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>Rebuilds on PostgreSQL.</summary>
/// <param name="store">Its projections are those that can be rebuilt.</param>
public sealed class ProjectionRebuild(PostgresEventStore store) : IProjectionRebuild
{
    /// <summary>So close to the end of the log, the rest is read in the last transaction.</summary>
    const long CloseEnough = 2000;

    const int BatchSize = 5000, MostTries = 60;

    static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(500);

    public async Task<RebuildResult> RunAsync(
        string projection, RebuildMode mode, IProgress<RebuildProgress>? progress, CancellationToken ct)
    {
        var definition = store.Options.Projections.Find(projection);
        await using var source = Connections.Rebuilder(store.Options, store.Loggers);
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            var run = new Run(store, definition, mode, connection, progress);
            await run.BeginAsync(ct);
            try
            {
                return await run.ToEndAsync(ct);
            }
            finally
            {
                await run.EndAsync();
            }
        }
        catch (PostgresException e) when (e.SqlState == SqlStates.NoView)
        {
            throw new ProjectionException(projection, $"cannot be rebuilt: {e.MessageText}", e);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new ProjectionException(projection,
                $"a rebuild needs the rights of the schema's owner ({e.MessageText}). Mend: use the login that ran the schema update.", e);
        }
        catch (Exception e) when (e is DbException or TimeoutException or IOException)
        {
            throw SqlStates.ToEventStoreException(e);
        }
    }

    /// <summary>One rebuild, on one connection of the owner's; it holds the lock that says so until the connection ends.</summary>
    sealed class Run(
        PostgresEventStore store, Projection projection, RebuildMode mode, NpgsqlConnection connection,
        IProgress<RebuildProgress>? progress)
    {
        readonly bool _isInline = store.Options.Projections.Inline.Contains(projection);
        readonly EventFilter _filter = new(TypeNames: projection.Events);
        readonly long _started = store.Time.GetTimestamp();
        long _position;
        long _events;
        bool _isSwapped;

        public async Task BeginAsync(CancellationToken ct)
        {
            if (!await ScalarAsync<bool>("select pg_try_advisory_lock(1179403599, hashtext($1))", ct, projection.Name))
                throw new RebuildRunningException(projection.Name);
            foreach (var table in projection.Tables) await ExecuteAsync("select framelease.make_shadow($1)", ct, table.Name);
        }

        public async Task<RebuildResult> ToEndAsync(CancellationToken ct)
        {
            // the first time all of the log, then what has come meanwhile, until little is left
            while (await TargetAsync(ct) is var target && target - _position > CloseEnough) await FillAsync(target, ct);
            foreach (var table in projection.Tables) await ExecuteAsync($"analyze {table.Shadow}", ct);
            IReadOnlyList<TableComparison> comparisons = [];
            if (mode == RebuildMode.Compare) comparisons = await CompareAsync(ct);
            else await SwapAsync(ct);
            var elapsed = store.Time.GetElapsedTime(_started);
            Log.Rebuilt(store.Logger, projection.Name, projection.Version, _events, _position, elapsed);
            return new(projection.Name, projection.Version, mode, _position, _events, elapsed, comparisons);
        }

        /// <summary>Up to where it may read; in a comparison not further than the running view has come.</summary>
        async Task<long> TargetAsync(CancellationToken ct)
        {
            if (mode == RebuildMode.Compare && !_isInline)
                return (await Progress.ReadAsync(store, projection.Name, ct)).Values.DefaultIfEmpty(0).Max();
            return await store.LatestSequenceAsync(ct);
        }

        /// <summary>The next batch is read while this one is written.</summary>
        async Task FillAsync(long target, CancellationToken ct)
        {
            var reading = ReadAsync(_position);
            while (true)
            {
                var page = await reading;
                reading = page.Position < target ? ReadAsync(page.Position) : Task.FromResult(page);
                try
                {
                    await WriteAsync(page, ct);
                }
                finally
                {
                    await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                progress?.Report(new(projection.Name, _position, target, _events, store.Time.GetElapsedTime(_started)));
                if (page.Position >= target) return;
            }

            Task<LogPage> ReadAsync(long after) => LogReader.ReadAsync(store, after, target, _filter, BatchSize, ct);
        }

        async Task WriteAsync(LogPage page, CancellationToken ct)
        {
            var events = page.Events.ConvertAll(e => new ViewEvent(e));
            using var batch = new NpgsqlBatch(connection);
            foreach (var statement in projection.Statements(events, shadow: true)) batch.BatchCommands.Add(statement);
            try
            {
                if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(ct);
            }
            catch (PostgresException e) when (SqlStates.ToEventStoreException(e) is EventStoreDatabaseException)
            {
                throw new ProjectionException(
                    projection.Name, $"PostgreSQL refused its statements for {InlineProjections.Describe(events)}: {e.MessageText}", e);
            }

            _events += events.Count;
            _position = page.Position;
        }

        /// <summary>What is left, read in the last transaction itself: there the log's end stands still for this view.</summary>
        async Task FillRestAsync(long end, CancellationToken ct)
        {
            while (_position < end)
                await WriteAsync(await LogReader.ReadAsync(connection, store.Registry, _position, end, _filter, BatchSize, ct), ct);
        }

        /// <summary>
        /// First the progress rows (the daemon's commits then wait, and find themselves overtaken), then the tables: after that lock, every
        /// inline writer has either committed, and is read here, or has not touched the view, and writes to the new table.
        /// </summary>
        async Task SwapAsync(CancellationToken ct)
        {
            for (var attempt = 1; ; attempt++)
            {
                var (position, events) = (_position, _events);
                await using var transaction = await connection.BeginTransactionAsync(ct);
                try
                {
                    // shorter than deadlock_timeout: whoever else waits in a circle with us goes on, and we try again
                    await ExecuteAsync(
                        "select set_config('lock_timeout', '800ms', true), set_config('synchronous_commit', 'on', true)", ct);
                    var rows = await Progress.ReadAsync(connection, projection.Name, forUpdate: true, ct);
                    await ExecuteAsync(
                        $"lock table {string.Join(", ", projection.Tables.Select(t => t.Running))} in access exclusive mode", ct);
                    await FillRestAsync(await LogEndAsync(rows, ct), ct);
                    foreach (var table in projection.Tables) await ExecuteAsync("select framelease.swap_view($1)", ct, table.Name);
                    await StoreProgressAsync(rows, ct);
                    if (_isInline) await ExecuteAsync(InlineViews.Record, ct, projection.Name, projection.Version);
                    await transaction.CommitAsync(ct);
                    _isSwapped = true;
                    return;
                }
                catch (PostgresException e) when (attempt < MostTries
                    && e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
                {
                    await transaction.RollbackAsync(ct);
                    (_position, _events) = (position, events);
                }

                await Task.Delay(BetweenTries, store.Time, ct);
                await FillAsync(await TargetAsync(ct), ct);
            }
        }

        /// <summary>Of the running view: inline, all that is committed; else what was projected, or what we have read ourselves.</summary>
        async Task<long> LogEndAsync(Dictionary<string, long> rows, CancellationToken ct) => _isInline
            ? await ScalarAsync<long>("select coalesce(max(e.seq_id), 0) from framelease_events.mt_events as e", ct)
            : rows.Values.DefaultIfEmpty(0).Max();

        async Task StoreProgressAsync(Dictionary<string, long> rows, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand(
                "delete from framelease_events.mt_event_progression where name = any ($1)", connection);
            command.Parameters.Add(new()
            {
                Value = rows.Keys.Where(k => projection.VersionOf(k) is not null).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Varchar,
            });
            await command.ExecuteNonQueryAsync(ct);
            if (!_isInline)
                // a daemon may have made the row since we looked; the tables are ours now, and so is what it says
                await ExecuteAsync(
                    "insert into framelease_events.mt_event_progression (name, last_seq_id, last_updated) values ($1, $2, now()) "
                    + "on conflict (name) do update set last_seq_id = excluded.last_seq_id, last_updated = excluded.last_updated",
                    ct, projection.Identity, _position);
        }

        /// <summary>In one snapshot the view, its progress and the log agree: nothing is locked, nobody waits.</summary>
        async Task<IReadOnlyList<TableComparison>> CompareAsync(CancellationToken ct)
        {
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            await FillRestAsync(await LogEndAsync(await Progress.ReadAsync(connection, projection.Name, forUpdate: false, ct), ct), ct);
            var comparisons = new List<TableComparison>();
            foreach (var table in projection.Tables)
            {
                var (rows, digest) = await DigestAsync(table.Running, ct);
                var (rebuiltRows, rebuiltDigest) = await DigestAsync(table.Shadow, ct);
                var differences = rows == rebuiltRows && digest == rebuiltDigest
                    ? (List<string>)[]
                    : [.. await OnlyInAsync('-', table.Running, table.Shadow, ct),
                        .. await OnlyInAsync('+', table.Shadow, table.Running, ct)];
                comparisons.Add(new(table.Running, rows, digest, rebuiltRows, rebuiltDigest, differences));
            }

            await transaction.RollbackAsync(ct);
            return comparisons;
        }

        // A sum does not depend on the rows' order and needs no memory; two seeds make 128 bits.
        async Task<(long Rows, string Digest)> DigestAsync(string table, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand($"""
                select count(*),
                  md5(coalesce(sum(hashtextextended(t::text, 0)), 0)::text || ' ' || coalesce(sum(hashtextextended(t::text, 1)), 0)::text)
                from {table} as t
                """, connection);
            await using var reader = await command.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            return (reader.GetInt64(0), reader.GetString(1));
        }

        async Task<List<string>> OnlyInAsync(char sign, string table, string other, CancellationToken ct)
        {
            await using var command = new NpgsqlCommand(
                $"select * from (select t::text from {table} as t except all select t::text from {other} as t) as d order by 1 limit 10",
                connection);
            await using var reader = await command.ExecuteReaderAsync(ct);
            var rows = new List<string>();
            while (await reader.ReadAsync(ct)) rows.Add($"{sign} {reader.GetString(0)}");
            return rows;
        }

        /// <summary>
        /// Leaves no shadow behind, and gives the lock back: PostgreSQL frees that of a closed connection only when it comes to notice, and the
        /// next rebuild may be sooner.
        /// </summary>
        public async Task EndAsync()
        {
            if (connection.State != ConnectionState.Open) return;
            try
            {
                if (!_isSwapped)
                    foreach (var table in projection.Tables) await ExecuteAsync($"drop table if exists {table.Shadow}", CancellationToken.None);
                await ExecuteAsync("select pg_advisory_unlock(1179403599, hashtext($1))", CancellationToken.None, projection.Name);
            }
            catch (Exception e) when (e is DbException or InvalidOperationException or IOException or TimeoutException)
            {
                Log.ShadowStays(store.Logger, projection.Name, e);
            }
        }

        async Task ExecuteAsync(string sql, CancellationToken ct, params object[] values)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            await command.ExecuteNonQueryAsync(ct);
        }

        async Task<T> ScalarAsync<T>(string sql, CancellationToken ct, params object[] values)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var value in values) command.Parameters.Add(new() { Value = value });
            return (T)(await command.ExecuteScalarAsync(ct))!;
        }
    }
}
