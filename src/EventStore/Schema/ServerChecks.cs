// Whether this program and this database suit each other: asked before anything is changed, and answered with what to do.
using System.Globalization;
using Npgsql;

namespace Framelease.EventStore;

/// <summary>What a server says of itself.</summary>
internal sealed record ServerFacts(
    int VersionNumber, string Version, bool IsStandby, bool IsReadOnly, string Encoding, int MaxConnections, int ReservedConnections,
    int DatabaseLimit, int RoleLimit, bool EventsBelongToAnother)
{
    const string Sql = """
        select current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
          current_setting('default_transaction_read_only')::bool, current_setting('server_encoding'),
          current_setting('max_connections')::int,
          current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true), '0')::int,
          (select d.datconnlimit from pg_database as d where d.datname = current_database()),
          (select r.rolconnlimit from pg_roles as r where r.rolname = session_user),
          to_regclass('framelease_events.mt_events') is not null and to_regclass('framelease.schema_updates') is null
        """;

    public static async Task<ServerFacts> ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new(reader.GetInt32(0), reader.GetString(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetString(4),
            reader.GetInt32(5), reader.GetInt32(6), reader.GetInt32(7), reader.GetInt32(8), reader.GetBoolean(9));
    }
}

internal static class ServerChecks
{
    public const int OldestServer = 130_000;

    /// <summary>The columns that reading and appending need; Marten with other options drops some of them.</summary>
    static readonly Dictionary<string, string> Columns = new(StringComparer.Ordinal)
    {
        ["mt_streams"] = "id varchar, type varchar, version int8, timestamp timestamptz, created timestamptz, tenant_id varchar, "
            + "is_archived bool",
        ["mt_events"] = "seq_id int8, id uuid, stream_id varchar, version int8, data jsonb, bdata bytea, type varchar, timestamp "
            + "timestamptz, tenant_id varchar, "
            + "mt_dotnet_type varchar, correlation_id varchar, causation_id varchar, headers jsonb, user_name varchar, is_archived bool",
        ["mt_event_progression"] = "name varchar, last_seq_id int8, last_updated timestamptz",
    };

    /// <summary>What keeps the program from using this server; null when nothing does.</summary>
    /// <param name="replicas">Processes that share the database.</param>
    /// <param name="connections">Most connections of each.</param>
    public static string? Complaint(ServerFacts facts, int replicas, int connections)
    {
        if (facts.VersionNumber < OldestServer) return $"PostgreSQL is {facts.Version}; 13 or newer is needed. Mend: upgrade the server.";
        if (facts.IsStandby) return "PostgreSQL is a standby, which is read-only. Mend: connect to the primary.";
        if (facts.IsReadOnly)
            return "The database is read-only (default_transaction_read_only is on). Mend: alter database … set "
                + "default_transaction_read_only = off, or name another one.";
        if (facts.Encoding != "UTF8")
            return $"The database's encoding is {facts.Encoding}; UTF8 is needed. Mend: create database … encoding 'UTF8' template "
                + "template0.";
        if (facts.EventsBelongToAnother)
            return "The schema framelease_events holds tables that another program made. Mend: use a database of its own.";
        return TooFewConnections(facts, replicas, connections);
    }

    static string? TooFewConnections(ServerFacts facts, int replicas, int connections)
    {
        var (free, limit) = (facts.MaxConnections - facts.ReservedConnections,
            Text($"max_connections {facts.MaxConnections} less {facts.ReservedConnections} reserved"));
        if (facts.DatabaseLimit >= 0 && facts.DatabaseLimit < free)
            (free, limit) = (facts.DatabaseLimit, "the database's connection limit");
        if (facts.RoleLimit >= 0 && facts.RoleLimit < free) (free, limit) = (facts.RoleLimit, "the login's connection limit");
        var needed = replicas * connections;
        return needed <= free ? null
            : Text($"{replicas} replicas with up to {connections} connections each need {needed}; the server grants {free} ({limit}). ")
            + "Mend: raise that limit, or lower the pool size or the number of replicas.";
    }

    /// <exception cref="EventStoreSchemaException">A table of the log has lost a column, or one has another type.</exception>
    public static async Task RefuseChangedTablesAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            select c.relname::text, string_agg(a.attname || ' ' || t.typname, ', ')
            from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
              join pg_type as t on t.oid = a.atttypid
            where c.relnamespace = 'framelease_events'::regnamespace and c.relkind = 'r' group by c.relname
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new Dictionary<string, string[]>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct)) found.Add(reader.GetString(0), reader.GetString(1).Split(", "));
        var missing = Columns.SelectMany(
            t => t.Value.Split(", ").Except(found.GetValueOrDefault(t.Key) ?? [], StringComparer.Ordinal).Select(c => $"{t.Key} ({c})"))
            .ToList();
        if (missing.Count > 0)
            throw new EventStoreSchemaException(
                $"Another program changed the tables of the log: framelease_events lacks {string.Join(", ", missing)}. "
                + "Mend: restore the newest backup, and give a Marten reader the options of docs/marten.md, which change nothing.");
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
