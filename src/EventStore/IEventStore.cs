using System.Data.Common;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// Start here. An event store on PostgreSQL, in Marten's tables: declare events in an <see cref="EventRegistry"/>, make a
/// <see cref="PostgresEventStore"/>, run <see cref="MigrateAsync"/> once, load with the methods below, decide, and commit through a
/// session. Beside it: <see cref="LeaderEpochs"/> (fencing) and <see cref="IDatabaseClock"/> (the time that decides).
/// </summary>
public interface IEventStore
{
    /// <summary>
    /// Brings the schema up to date under an advisory lock, then the inline views: one that is new to the log, or of a newer version, is made
    /// anew of it (a second for each 50,000 of its events). Never drops anything; does nothing when all is up to date. Needs the owner's rights.
    /// </summary>
    /// <param name="more">Numbered updates of other assemblies for the schema framelease (inline views), run after the store's own.</param>
    /// <exception cref="EventStoreSchemaException">Too old a server, a database of another application, or an applied update whose text has changed.</exception>
    Task MigrateAsync(CancellationToken ct, params IReadOnlyList<SchemaScripts> more);

    /// <summary>A unit of work; costs nothing until it is saved.</summary>
    IEventSession OpenSession(SessionMetadata? metadata = null);

    /// <summary>
    /// One statement by itself, in a transaction of its own: a read, or a write that finds out by itself that it was done, for when a
    /// connection dies under it, it is sent once more. What belongs to an append goes into its session.
    /// </summary>
    /// <exception cref="EventStoreException">As of <see cref="IEventSession.SaveChangesAsync"/>.</exception>
    Task<IReadOnlyList<T>> QueryAsync<T>(NpgsqlBatchCommand statement, Func<DbDataReader, T> map, CancellationToken ct);

    /// <summary>A stream's events from <paramref name="fromVersion"/> on (0 or 1 = all), in order. A stream that does not exist is empty at version 0.</summary>
    Task<StreamSlice> FetchStreamAsync(string stream, long fromVersion, CancellationToken ct);

    /// <summary>Several streams in one round trip, in the order asked for. At most 100.</summary>
    Task<IReadOnlyList<StreamSlice>> FetchStreamsAsync(IReadOnlyList<string> streams, CancellationToken ct);

    /// <summary>Null when the stream does not exist.</summary>
    Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken ct);

    /// <summary>Folds a stream, as it was at a version or at a moment if one is given (both inclusive).</summary>
    Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, TState seed, Func<TState, EventEnvelope, TState> evolve, CancellationToken ct, long? atVersion = null, DateTimeOffset? atTime = null);

    /// <summary>As the other, but from a kept state on where the aggregation keeps any.</summary>
    Task<Aggregate<TState>> AggregateAsync<TState>(
        string stream, Aggregation<TState> aggregation, CancellationToken ct, long? atVersion = null, DateTimeOffset? atTime = null);

    /// <summary>
    /// All events of some kinds after a position, in the order of the log, up to its present end; read in pieces, so that memory does not
    /// grow with them. There is no index by name (Marten would drop it): the whole log is looked through.
    /// </summary>
    /// <param name="typeNames">Declared names, at least one.</param>
    /// <param name="afterSequence">0 = from the beginning.</param>
    IAsyncEnumerable<EventEnvelope> ReadTypesAsync(IReadOnlyCollection<string> typeNames, long afterSequence, CancellationToken ct);

    /// <summary>
    /// The log after a position, in order. Never returns an event behind which a lower one could still be committed: going on from
    /// <see cref="EventPage.Position"/> misses nothing.
    /// </summary>
    /// <param name="afterSequence">0 = from the beginning.</param>
    /// <param name="limit">1 to 10,000.</param>
    Task<EventPage> ReadAllAsync(long afterSequence, int limit, EventFilter? filter, CancellationToken ct);

    /// <summary>The position up to which the log is complete for ever.</summary>
    Task<long> LatestSequenceAsync(CancellationToken ct);

    /// <summary>
    /// The log after a position, and then every event as it is committed, until cancelled. Woken by hints (NOTIFY, commits of this process),
    /// polls without them; outlives outages of the database. At-least-once is up to the caller's stored position.
    /// </summary>
    IAsyncEnumerable<EventEnvelope> SubscribeAsync(long afterSequence, EventFilter? filter, CancellationToken ct);
}

/// <summary>The clock whose time decides (R3).</summary>
public interface IDatabaseClock
{
    /// <summary>PostgreSQL's clock_timestamp().</summary>
    /// <exception cref="EventStoreUnavailableException">No answer.</exception>
    Task<DateTimeOffset> NowAsync(CancellationToken ct);
}
