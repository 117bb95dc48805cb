using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>Applies what is missing, all in one transaction under an advisory lock: the schema is at the old state or at the new one.</summary>
internal sealed class SchemaMigrator(NpgsqlDataSource owner, ILogger logger)
{
    const int OldestServer = 130_000;

    public async Task RunAsync(IReadOnlyList<SchemaScripts> components, bool withApplicationRole, CancellationToken ct)
    {
        await using var connection = await owner.OpenConnectionAsync(ct);
        await RefuseUnsuitableAsync(connection, ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, "select pg_advisory_xact_lock(1179403598, 0)", ct);
        await ExecuteAsync(connection, """
            create schema if not exists framelease_events;
            create schema if not exists framelease;
            create table if not exists framelease.schema_updates (
              component  varchar     not null,
              number     int         not null,
              name       varchar     not null,
              digest     varchar     not null,
              applied_at timestamptz not null default clock_timestamp(),
              constraint schema_updates_pkey primary key (component, number, name)
            )
            """, ct);
        var changed = false;
        foreach (var component in components) changed |= await ApplyAsync(connection, component, ct);
        if (changed && withApplicationRole) await ExecuteAsync(connection, SchemaScripts.Application, ct);
        await transaction.CommitAsync(ct);
    }

    static async Task RefuseUnsuitableAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            select current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(), current_setting('server_encoding'),
              to_regclass('framelease_events.mt_events') is not null and to_regclass('framelease.schema_updates') is null
            """, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        if (reader.GetInt32(0) < OldestServer)
            throw new EventStoreSchemaException($"PostgreSQL is {reader.GetString(1)}; 13 or newer is needed. Mend: upgrade the server.");
        if (reader.GetBoolean(2)) throw new EventStoreSchemaException("PostgreSQL is a standby, which is read-only. Mend: connect to the primary.");
        if (reader.GetString(3) != "UTF8")
            throw new EventStoreSchemaException($"The database's encoding is {reader.GetString(3)}; UTF8 is needed. Mend: create database … encoding 'UTF8' template template0.");
        if (reader.GetBoolean(4))
            throw new EventStoreSchemaException("The schema framelease_events holds tables that another program made. Mend: use a database of its own.");
    }

    async Task<bool> ApplyAsync(NpgsqlConnection connection, SchemaScripts scripts, CancellationToken ct)
    {
        var applied = await AppliedAsync(connection, scripts.Component, ct);
        var newest = applied.Keys.Select(k => k.Number).DefaultIfEmpty(0).Max();
        var known = scripts.Updates.Select(u => u.Number).DefaultIfEmpty(0).Max();
        // A program of version N-1 on a schema of version N: the newer one's functions serve both, so leave everything as it is.
        if (newest > known)
        {
            Log.SchemaIsNewer(logger, scripts.Component, newest, known);
            return false;
        }
        var changed = false;
        foreach (var update in scripts.Updates)
        {
            if (applied.Where(a => a.Key.Number == update.Number).Select(a => (a.Key.Name, Digest: a.Value)).FirstOrDefault() is { Name: not null } before)
            {
                if (before.Name != update.Name || before.Digest != update.Digest)
                    throw new EventStoreSchemaException(
                        $"Update {update.Number} of '{scripts.Component}' was applied as '{before.Name}' with another text than this program's '{update.Name}'. "
                        + "Applied updates never change. Mend: put the change into a new update.");
                continue;
            }
            await RunScriptAsync(connection, scripts.Component, update, ct);
            Log.UpdateApplied(logger, scripts.Component, update.Number, update.Name);
            changed = true;
        }
        foreach (var function in scripts.Functions)
        {
            if (applied.TryGetValue((0, function.Name), out var digest) && digest == function.Digest) continue;
            await RunScriptAsync(connection, scripts.Component, function, ct);
            changed = true;
        }
        return changed;
    }

    static async Task<Dictionary<(int Number, string Name), string>> AppliedAsync(NpgsqlConnection connection, string component, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select number, name, digest from framelease.schema_updates where component = $1", connection);
        command.Parameters.Add(new() { Value = component, NpgsqlDbType = NpgsqlDbType.Varchar });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var applied = new Dictionary<(int, string), string>();
        while (await reader.ReadAsync(ct)) applied.Add((reader.GetInt32(0), reader.GetString(1)), reader.GetString(2));
        return applied;
    }

    static async Task RunScriptAsync(NpgsqlConnection connection, string component, SchemaScript script, CancellationToken ct)
    {
        try
        {
            await ExecuteAsync(connection, script.Sql, ct);
        }
        catch (PostgresException e)
        {
            throw new EventStoreSchemaException($"Schema script {script.Number:0000} {script.Name} of '{component}' failed, nothing was changed: {e.MessageText}", e);
        }
        await using var record = new NpgsqlCommand("""
            insert into framelease.schema_updates (component, number, name, digest) values ($1, $2, $3, $4)
            on conflict (component, number, name) do update set digest = excluded.digest, applied_at = clock_timestamp()
            """, connection);
        record.Parameters.Add(new() { Value = component, NpgsqlDbType = NpgsqlDbType.Varchar });
        record.Parameters.Add(new() { Value = script.Number, NpgsqlDbType = NpgsqlDbType.Integer });
        record.Parameters.Add(new() { Value = script.Name, NpgsqlDbType = NpgsqlDbType.Varchar });
        record.Parameters.Add(new() { Value = script.Digest, NpgsqlDbType = NpgsqlDbType.Varchar });
        await record.ExecuteNonQueryAsync(ct);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
