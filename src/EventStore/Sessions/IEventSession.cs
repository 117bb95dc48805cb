using System.Data.Common;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>
/// A unit of work: collects, then goes to PostgreSQL as one transaction in ONE round trip, in this order whatever the order of the calls:
/// command id, epochs, guards, appends (by stream key, so that sessions cannot deadlock on streams), writes and queries. No transaction is
/// ever open while the client thinks. Not thread-safe; use once.
/// </summary>
public interface IEventSession
{
    /// <summary>
    /// Makes the session idempotent: a repeated id commits nothing and <see cref="SaveChangesAsync"/> returns the first commit's result with
    /// <see cref="CommitResult.IsRepeat"/>; queries then have no rows. 1 to 200 characters. Also lets the session find out what became of a
    /// commit whose connection was lost.
    /// </summary>
    string? CommandId { get; set; }

    /// <summary>The epoch row is taken FOR SHARE before guards and appends; any other current epoch refuses the session.</summary>
    /// <exception cref="EpochFencedException">From <see cref="SaveChangesAsync"/>.</exception>
    IEventSession RequireEpoch(string cluster, string role, long epoch);

    /// <summary>
    /// A statement that runs before the appends and refuses by <c>framelease.raise(code, message)</c> or <c>framelease.require(condition,
    /// code, message)</c>. Lock the rows that it looks at (FOR UPDATE / FOR SHARE).
    /// </summary>
    /// <exception cref="GuardFailedException">From <see cref="SaveChangesAsync"/>.</exception>
    IEventSession Guard(NpgsqlBatchCommand command);

    /// <summary>Appends; <paramref name="expectedVersion"/> 0 = the stream must be new. A second call for a stream must expect what the first reaches.</summary>
    /// <exception cref="EventStreamUnexpectedMaxEventIdException">From <see cref="SaveChangesAsync"/>: another version.</exception>
    /// <exception cref="EventTooLargeException">At once.</exception>
    /// <exception cref="EventSerializationException">At once.</exception>
    IEventSession Append(string stream, long expectedVersion, params IReadOnlyList<object> events);

    /// <summary>Loads a stream's state to decide on; what is appended through the result expects the version that was loaded.</summary>
    Task<WritableStream<TState>> FetchForWritingAsync<TState>(string stream, Aggregation<TState> aggregation, CancellationToken ct);

    /// <summary>Appends whatever version the stream has, creating it if need be.</summary>
    IEventSession AppendAny(string stream, params IReadOnlyList<object> events);

    /// <summary>As <see cref="Append"/> with version 0, but an existing stream is told apart.</summary>
    /// <exception cref="ExistingStreamIdCollisionException">From <see cref="SaveChangesAsync"/>.</exception>
    IEventSession StartStream(string stream, params IReadOnlyList<object> events);

    /// <summary>An inline view's write, after the appends, in the same transaction.</summary>
    IEventSession Write(NpgsqlBatchCommand command);

    /// <summary>A write with RETURNING (or a read) that runs among the writes; its rows are there after <see cref="SaveChangesAsync"/>.</summary>
    SessionQuery<T> Query<T>(NpgsqlBatchCommand command, Func<DbDataReader, T> map);

    /// <summary>Commits all or nothing. Deadlocks and serialization failures are repeated up to three times.</summary>
    /// <exception cref="EventStoreException">See each; only <see cref="CommitOutcomeUnknownException"/> leaves open what was committed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was committed.</exception>
    Task<CommitResult> SaveChangesAsync(CancellationToken ct);
}

/// <summary>Rows of a query inside a session.</summary>
public sealed class SessionQuery<T>
{
    List<T>? _rows;
    Exception? _failure;

    /// <exception cref="InvalidOperationException">The session is not committed, or the caller's map threw (the session is committed all the same).</exception>
    public IReadOnlyList<T> Rows => _failure is not null
        ? throw new InvalidOperationException($"The session is committed, but a row of its query could not be mapped: {_failure.Message}", _failure)
        : _rows ?? throw new InvalidOperationException("The session is not committed: call SaveChangesAsync first.");

    internal void Set(List<T> rows, Exception? failure = null)
    {
        _rows = rows;
        _failure = failure;
    }
}
