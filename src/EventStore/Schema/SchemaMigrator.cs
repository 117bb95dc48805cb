using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.EventStore;

/// <summary>Applies what is missing, all in one transaction under an advisory lock: the schema is at the old state or at the new one.</summary>
internal sealed class SchemaMigrator(NpgsqlDataSource owner, EventStoreOptions options, ILogger logger)
{
    public async Task RunAsync(IReadOnlyList<SchemaScripts> components, CancellationToken ct)
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
            );
            -- asked first, so that a backup under way, which reads the table, does not hold up a start
            do $$
            begin
              if not exists (select from pg_attribute where attrelid = 'framelease.schema_updates'::regclass
                and attname = 'least_program') then
                alter table framelease.schema_updates add column least_program int not null default 0;
              end if;
            end
            $$
            """, ct);
        var changed = false;
        foreach (var component in components) changed |= await ApplyAsync(connection, component, ct);
        await ServerChecks.RefuseChangedTablesAsync(connection, ct);
        // a dump restored on another server has the tables but neither the role nor its rights
        if (options.ApplicationRole is not null && (changed || !await IsApplicationReadyAsync(connection, ct)))
            await ExecuteAsync(connection, SchemaScripts.Application, ct);
        await transaction.CommitAsync(ct);
    }

    async Task RefuseUnsuitableAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (ServerChecks.Complaint(await ServerFacts.ReadAsync(connection, ct), options.Replicas, Connections.MostOf(options))
            is { } complaint)
            throw new EventStoreSchemaException(complaint);
    }

    async Task<bool> ApplyAsync(NpgsqlConnection connection, SchemaScripts scripts, CancellationToken ct)
    {
        var applied = await AppliedAsync(connection, scripts.Component, ct);
        var newest = applied.Keys.Select(k => k.Number).DefaultIfEmpty(0).Max();
        var known = scripts.Updates.Select(u => u.Number).DefaultIfEmpty(0).Max();
        // A program of version N-1 on a schema of version N: the newer one's functions serve both, so leave everything as it is.
        if (newest > known)
        {
            if (await LeastProgramAsync(connection, scripts.Component, ct) is var least && known < least)
                throw new EventStoreSchemaException(
                    $"The schema of '{scripts.Component}' is at update {newest} and serves programs from update {least} on; this one is "
                        + $"of update {known}. "
                    + "Mend: run a newer version of the program.");
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

    static async Task<bool> IsApplicationReadyAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // to_regrole, because has_table_privilege raises an error for a role that is not there
        await using var command = new NpgsqlCommand("""
            select case when to_regrole('framelease_app') is null then false else has_table_privilege('framelease_app',
              'framelease_events.mt_events', 'insert') end
            """, connection);
        return await command.ExecuteScalarAsync(ct) is true;
    }

    static async Task<int> LeastProgramAsync(NpgsqlConnection connection, string component, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select max(least_program) from framelease.schema_updates where component = $1",
            connection);
        command.Parameters.Add(new() { Value = component, NpgsqlDbType = NpgsqlDbType.Varchar });
        return await command.ExecuteScalarAsync(ct) is int least ? least : 0;
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
        catch (PostgresException e) when (SqlStates.ToEventStoreException(e) is { IsTransient: false } and not EventStoreSchemaException)
        {
            throw new EventStoreSchemaException($"Schema script {script.Number:0000} {script.Name} of '{component}' failed, nothing was changed: {e.MessageText}", e);
        }
        await using var record = new NpgsqlCommand("""
            insert into framelease.schema_updates (component, number, name, digest, least_program) values ($1, $2, $3, $4, $5)
            on conflict (component, number, name) do update set digest = excluded.digest, applied_at = clock_timestamp()
            """, connection);
        record.Parameters.Add(new() { Value = component, NpgsqlDbType = NpgsqlDbType.Varchar });
        record.Parameters.Add(new() { Value = script.Number, NpgsqlDbType = NpgsqlDbType.Integer });
        record.Parameters.Add(new() { Value = script.Name, NpgsqlDbType = NpgsqlDbType.Varchar });
        record.Parameters.Add(new() { Value = script.Digest, NpgsqlDbType = NpgsqlDbType.Varchar });
        record.Parameters.Add(new() { Value = script.LeastProgram, NpgsqlDbType = NpgsqlDbType.Integer });
        await record.ExecuteNonQueryAsync(ct);
    }

    static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
