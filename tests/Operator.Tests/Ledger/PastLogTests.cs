using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Domain.Leasing;
using Framelease.Domain.Tasks;
using Framelease.EventStore;
using Framelease.EventStore.Tests.Support;
using Framelease.Operator.Ledger;
using Npgsql;
using NpgsqlTypes;

namespace Framelease.Operator.Tests.Ledger;

/// <summary>
/// Logs as past versions wrote them, kept in testassets: log-N.jsonl never changes. A new event, or a new version of one's data, comes with
/// the next file;
/// the old ones must go on being read, through upcasters where the data has another shape now.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class PastLogTests(PostgresServer server)
{
    static readonly CancellationToken Ct = CancellationToken.None;
    static readonly JsonSerializerOptions Json = EventJson.CreateOptions(EventTypesJson.Default);
    static readonly string Directory = Path.Combine(AppContext.BaseDirectory, "testassets");

    static IEnumerable<string> Files =>
        System.IO.Directory.GetFiles(Directory, "log-*.jsonl").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    public static TheoryData<string> Logs => [.. Files];

    static EventRegistry Registry => EventTypes.Register(new EventRegistry(EventJson.CreateOptions(EventTypesJson.Default)));

    static IEnumerable<JsonObject> Lines(string log) =>
        File.ReadLines(Path.Combine(Directory, log)).Select(l => JsonNode.Parse(l)!.AsObject());

    [Fact]
    public void Every_declared_event_is_in_a_committed_log() =>
        Registry.Names.Except(Files.SelectMany(Lines).Select(e => (string)e["type"]!)).ShouldBeEmpty("add them to a new log-N.jsonl");

    [Theory]
    [MemberData(nameof(Logs))]
    public async Task A_log_of_a_past_version_is_read_replayed_and_rebuilt(string log)
    {
        var connection = await server.CreateDatabaseAsync();
        await using var store = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7, Projections = Projections.All },
                Registry, TimeProvider.System);
        await store.MigrateAsync(Ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"));
        await WriteAsync(connection, log);

        (await store.VerifyAsync(Ct)).Findings.ShouldBeEmpty();
        var page = await store.ReadAllAsync(0, 10_000, null, Ct);
        page.Events.Count.ShouldBe(Lines(log).Count());
        foreach (var (e, line) in page.Events.Zip(Lines(log)).Where(e => !e.First.Headers.ContainsKey("data-version")))
        {
            var again = JsonSerializer.SerializeToNode(e.Data, Json.GetTypeInfo(e.Data.GetType()));
            JsonNode.DeepEquals(again, line["data"]).ShouldBeTrue($"{e.TypeName} loses or renames a field: {line["data"]} became {again}");
        }

        foreach (var stream in page.Events.GroupBy(e => e.Stream))
        {
            if (stream.Key.StartsWith("task-", StringComparison.Ordinal))
                stream.Aggregate(TaskState.Initial, (s, e) => s.Evolve(e.Data, e.Timestamp)).HasUnknownEvents.ShouldBeFalse(stream.Key);
            else if (stream.Key.StartsWith("lease-", StringComparison.Ordinal))
                stream.Aggregate(LeaseState.Initial, (s, e) => s.Evolve(e.Data, e.Timestamp)).HasUnknownEvents.ShouldBeFalse(stream.Key);
        }

        foreach (var view in Projections.All.Inline)
            (await new ProjectionRebuild(store).RunAsync(view.Name, RebuildMode.Swap, null, Ct)).Events.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task What_the_first_log_tells_is_what_happened()
    {
        var connection = await server.CreateDatabaseAsync();
        await using var store = new PostgresEventStore(
            new EventStoreOptions { ConnectionString = connection, NewId = Guid.CreateVersion7, Projections = Projections.All },
                Registry, TimeProvider.System);
        await store.MigrateAsync(Ct, SchemaScripts.FromAssembly(typeof(PostgresLedger).Assembly, "Framelease.Operator.Sql"));
        await WriteAsync(connection, "log-1.jsonl");
        foreach (var view in Projections.All.Inline)
            await new ProjectionRebuild(store).RunAsync(view.Name, RebuildMode.Swap, null, Ct);
        (await PostgresServer.ScalarAsync<string>(connection, "select string_agg(phase, ' ' order by uid) from framelease.tasks"))
            .ShouldBe("Succeeded Cancelled Failed Rejected Admitted");
        (await PostgresServer.ScalarAsync<string>(connection, "select string_agg(state, ' ' order by uid) from framelease.leases"))
            .ShouldBe("Released Expired Released GaveUp Revoked");
        (await PostgresServer.ScalarAsync<string>(connection, "select string_agg(state, ' ' order by task_uid) from framelease.attempts"))
            .ShouldBe("Ended Ended Ended Ended");
    }

    static async Task WriteAsync(string connectionString, string log)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(
            """
            create temporary table line as select l::jsonb as e from unnest($1) as l;
            """, connection);
        command.Parameters.Add(new()
        {
            Value = Lines(log).Select(l => l.ToJsonString()).ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text
        });
        await command.ExecuteNonQueryAsync(Ct);
        await using var write = new NpgsqlCommand(
            """
            insert into framelease_events.mt_streams (id, version) select e ->> 'stream', count(*) from line group by 1;
            insert into framelease_events.mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type,
              correlation_id, causation_id,
              headers, user_name, is_archived)
            select (e ->> 'seq')::bigint, gen_random_uuid(), e ->> 'stream', (e ->> 'version')::bigint, e -> 'data', e ->> 'type',
              (e ->> 'time')::timestamptz, e ->> 'dotnet', e ->> 'correlation', e ->> 'causation', nullif(e -> 'headers', 'null'),
                e ->> 'user', false
            from line;
            select setval('framelease_events.mt_events_sequence', (select max(seq_id) from framelease_events.mt_events));
            """, connection);
        await write.ExecuteNonQueryAsync(Ct);
    }
}
