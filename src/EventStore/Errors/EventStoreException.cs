namespace Framelease.EventStore;

/// <summary>Every error of the store. Misuse by the caller is an <see cref="ArgumentException"/> or <see
/// cref="InvalidOperationException"/>.</summary>
public abstract class EventStoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>True when nothing was committed and the same call may succeed later without any change.</summary>
    public virtual bool IsTransient => false;
}

/// <summary>The stream has another version than the caller decided on: load again and decide anew. Nothing was committed.</summary>
public sealed class EventStreamUnexpectedMaxEventIdException(string stream, long expected, long actual, Exception? inner = null)
    : EventStoreException($"Unexpected starting version number for event stream '{stream}', expected {expected} but was {actual}", inner)
{
    public string Stream { get; } = stream;

    public long Expected { get; } = expected;

    /// <summary>0 when the stream does not exist.</summary>
    public long Actual { get; } = actual;
}

/// <summary><c>StartStream</c> on a stream that has events already. Nothing was committed.</summary>
public sealed class ExistingStreamIdCollisionException(string stream, long actual, Exception? inner = null)
    : EventStoreException($"Event stream '{stream}' exists already, at version {actual}", inner)
{
    public string Stream { get; } = stream;

    public long Actual { get; } = actual;
}

/// <summary>The stream is archived: it is read-only for ever. Nothing was committed.</summary>
public sealed class InvalidStreamOperationException(string stream, Exception? inner = null)
    : EventStoreException($"Event stream '{stream}' is archived and takes no more events", inner)
{
    public string Stream { get; } = stream;
}

/// <summary>Another leader has taken over: stop acting in this role. Nothing was committed.</summary>
public sealed class EpochFencedException(string cluster, string role, long epoch, long current, Exception? inner = null)
    : EventStoreException($"Epoch {epoch} of role '{role}' in cluster '{cluster}' is over; current is {current}", inner)
{
    public string Cluster { get; } = cluster;

    public string Role { get; } = role;

    public long Epoch { get; } = epoch;

    /// <summary>0 when the role was never taken.</summary>
    public long Current { get; } = current;
}

/// <summary>
/// The server is not the one that the log's authority was last seen on: a restored dump, a promoted standby. What was handed out since the
/// copy was made is not in it. End, start over, and take over (<see cref="AuthorityIncarnations"/>) before anything is handed out. Nothing
/// was committed.
/// </summary>
public sealed class AuthorityChangedException(string message, Exception? inner = null)
    : EventStoreException($"{message}. Mend: start the program again; it takes the authority over.", inner);

/// <summary>A guard statement refused the session through <c>framelease.raise</c> or <c>framelease.require</c>. Nothing was
/// committed.</summary>
public sealed class GuardFailedException(string code, string message, Exception? inner = null) : EventStoreException(message, inner)
{
    /// <summary>The code that the guard gave, such as <c>SlotTaken</c>.</summary>
    public string Code { get; } = code;
}

/// <summary>An event is larger than <see cref="EventStoreOptions.MaxEventBytes"/>. Put the bulk elsewhere and its digest into the
/// event.</summary>
public sealed class EventTooLargeException(string typeName, int bytes, int limit)
    : EventStoreException($"Event '{typeName}' has {bytes} bytes; the limit is {limit}. Mend: keep the bulk elsewhere and its digest in the event.")
{
    public int Bytes { get; } = bytes;

    public int Limit { get; } = limit;
}

/// <summary>An event cannot be written as JSON, or PostgreSQL cannot hold it (U+0000 in a string).</summary>
public sealed class EventSerializationException(string message, Exception? inner = null) : EventStoreException(message, inner);

/// <summary>The database could not be reached, or refused for a passing reason (overload, lock timeout, deadlock). Nothing was
/// committed.</summary>
public sealed class EventStoreUnavailableException(string message, Exception? inner = null) : EventStoreException(message, inner)
{
    public override bool IsTransient => true;
}

/// <summary>
/// The connection was lost after the session was sent: it may be committed or not. Load and look, or give sessions a command id: then the
/// session finds out by itself. Never repeat blindly.
/// </summary>
public sealed class CommitOutcomeUnknownException(string message, Exception? inner = null) : EventStoreException(message, inner)
{
    internal static CommitOutcomeUnknownException ConnectionLost(Exception e) =>
        new($"The connection was lost while the session was being committed: {e.Message}. Load and look before acting again.", e);
}

/// <summary>The database cannot serve this store: its schema is missing or somebody else's, it is too old, or read-only; the message says
/// what to do.</summary>
public sealed class EventStoreSchemaException(string message, Exception? inner = null) : EventStoreException(message, inner);

/// <summary>Any other refusal by PostgreSQL: a mistake in a statement, a broken constraint of an inline view. Nothing was
/// committed.</summary>
public sealed class EventStoreDatabaseException(string sqlState, string message, Exception? inner = null) : EventStoreException(message, inner)
{
    public string SqlState { get; } = sqlState;
}

/// <summary>
/// A projection failed on an event, or its tables are not fit for a view. The view stays at the position before and no event is skipped:
/// mend the projection and start again.
/// </summary>
public sealed class ProjectionException(string projection, string message, Exception? inner = null)
    : EventStoreException($"Projection '{projection}': {message}", inner)
{
    public string Projection { get; } = projection;
}

/// <summary>Another program rebuilds the same projection now.</summary>
public sealed class RebuildRunningException(string projection)
    : EventStoreException($"Projection '{projection}' is being rebuilt already. Mend: wait for that rebuild, or end it.")
{
    public override bool IsTransient => true;
}

/// <summary>Another program has moved the projection on: what this one was about to write is written. Nothing was committed.</summary>
/// <param name="actual">-1 when the projection has no progress (any more).</param>
public sealed class ProgressionProgressOutOfOrderException(string message, long actual, Exception? inner = null)
    : EventStoreException(message, inner)
{
    public long Actual { get; } = actual;
}
