// The one place where PostgreSQL's error codes get their meaning.
using System.Globalization;
using Npgsql;

namespace Framelease.EventStore;

internal static class SqlStates
{
    public const string WrongVersion = "MT003", Archived = "MT001", Fenced = "FL001", CommandCommitted = "FL002",
        AuthorityChanged = "FL003", Overtaken = "FL004", NoView = "FL005";

    /// <summary>PostgreSQL said clearly that it rolled back: severity ERROR; FATAL or a lost connection says nothing about a
    /// commit.</summary>
    public static bool IsDefinite(Exception e) => e switch
    {
        PostgresException p => p.InvariantSeverity == "ERROR",
        OperationCanceledException { InnerException: PostgresException p } => p.InvariantSeverity == "ERROR",
        _ => false,
    };

    /// <summary>PostgreSQL could not take a parameter as JSON.</summary>
    public static bool IsUnreadableJson(PostgresException e) => e.SqlState is "22P05" or "22P02" or "22030";

    /// <summary>The connection ended under us. The idle ones beside it in the pool are likely dead too (a restarted server): clear
    /// it.</summary>
    public static bool IsConnectionLost(Exception e) => e switch
    {
        PostgresException p => p.InvariantSeverity is "FATAL" or "PANIC",
        NpgsqlException n => n.InnerException is IOException or System.Net.Sockets.SocketException or EndOfStreamException,
        _ => false,
    };

    /// <summary>Rolled back through no fault of the statements: the same batch may be sent again at once.</summary>
    public static bool IsWorthRepeating(Exception e) =>
        e is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure };

    /// <summary>For errors of statements that nothing depends on, and for definite errors of a session.</summary>
    public static EventStoreException ToEventStoreException(Exception e) => e switch
    {
        EventStoreException own => own,
        PostgresException p => FromServer(p),
        NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException or ObjectDisposedException =>
            new EventStoreUnavailableException($"The event store's database cannot be reached: {e.Message}", e),
        _ => new EventStoreDatabaseException("", e.Message, e),
    };

    static EventStoreException FromServer(PostgresException p) => p.SqlState switch
    {
        // invalid_schema_name, undefined_table, undefined_function, undefined_object, invalid role at connect
        "3F000" or PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction
            when p.MessageText.Contains("framelease", StringComparison.Ordinal) => SchemaMissing(p),
        "22023" or "42704" when p.MessageText.Contains("framelease_app", StringComparison.Ordinal) => SchemaMissing(p),
        "3D000" => new EventStoreSchemaException($"{p.MessageText}. Mend: create the database, or name another one.", p),
        PostgresErrorCodes.ReadOnlySqlTransaction =>
            new EventStoreSchemaException(
                $"The database is read-only ({p.MessageText}). Mend: connect to the primary, or set default_transaction_read_only to "
                    + "off.", p),
        AuthorityChanged => new AuthorityChangedException(p.MessageText, p),
        PostgresErrorCodes.DiskFull => new EventStoreUnavailableException(
            $"The database server's disk is full ({p.MessageText}). Nothing was committed. Mend: free or add space there; nothing need "
                + "be restarted here.", p),
        PostgresErrorCodes.TooManyConnections => new EventStoreUnavailableException(
            $"The database takes no more connections ({p.MessageText}). Mend: raise max_connections, or lower the pools of its clients.",
                p),
        PostgresErrorCodes.InsufficientPrivilege => new EventStoreDatabaseException(
            p.SqlState, $"The login may not do this ({p.MessageText}). Mend: let the schema's owner run the schema update, which grants "
                + "what is needed.", p),
        _ when IsUnreadableJson(p) => new EventSerializationException($"PostgreSQL cannot hold this JSON: {p.MessageText} {p.Detail}", p),
        PostgresErrorCodes.UniqueViolation when p.ConstraintName == "pk_mt_events_stream_and_version" =>
            new EventStoreDatabaseException(p.SqlState, "The log and mt_streams disagree about a stream's version: another program wrote to the tables.", p),
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.LockNotAvailable
            or PostgresErrorCodes.QueryCanceled => new EventStoreUnavailableException($"PostgreSQL gave up for now: {p.MessageText}", p),
        Overtaken => new ProgressionProgressOutOfOrderException(p.MessageText, DetailNumber(p), p),
        _ when p.SqlState.StartsWith("FL", StringComparison.Ordinal) =>
            new GuardFailedException(string.IsNullOrEmpty(p.ConstraintName) ? p.SqlState : p.ConstraintName, p.MessageText, p),
        // 08 connection, 53 resources (disk full, too many connections), 57 operator intervention, 58 system error
        _ when p.SqlState.Length == 5 && p.SqlState[..2] is "08" or "53" or "57" or "58" =>
            new EventStoreUnavailableException($"PostgreSQL cannot serve now: {p.MessageText}", p),
        _ => new EventStoreDatabaseException(p.SqlState, $"PostgreSQL refused ({p.SqlState}): {p.MessageText}", p),
    };

    static EventStoreSchemaException SchemaMissing(PostgresException p) =>
        new($"The database has no event store, or an older one ({p.MessageText}). Mend: run the schema update (MigrateAsync).", p);

    /// <summary>The actual version or epoch that our functions put into the detail.</summary>
    public static long DetailNumber(PostgresException p) =>
        long.TryParse(p.Detail, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? n : 0;
}
