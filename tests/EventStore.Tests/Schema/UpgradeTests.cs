using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Schema;

/// <summary>
/// From each schema that there ever was, with data in it, to the present one. An applied update never changes (its digest is compared), so
/// the
/// updates up to a number are the schema of that time.
/// </summary>
[Collection(PostgresServer.Collection)]
public sealed class UpgradeTests(PostgresServer server)
{
    static readonly CancellationToken Ct = CancellationToken.None;

    public static TheoryData<int> Earlier => [.. SchemaScripts.Own.Updates.Select(u => u.Number).Order().SkipLast(1)];

    [Theory]
    [MemberData(nameof(Earlier))]
    public async Task Data_of_an_earlier_schema_is_there_after_the_update(int number)
    {
        var connection = await server.CreateDatabaseAsync();
        // the list of updates as it was before it knew of the oldest program
        await PostgresServer.ExecuteAsync(connection, """
            create schema framelease_events;
            create schema framelease;
            create table framelease.schema_updates (
              component varchar not null, number int not null, name varchar not null, digest varchar not null,
              applied_at timestamptz not null default clock_timestamp(), constraint schema_updates_pkey primary key (component, number,
                name))
            """);
        foreach (var update in SchemaScripts.Own.Updates.Where(u => u.Number <= number))
        {
            await PostgresServer.ExecuteAsync(connection, update.Sql);
            await PostgresServer.ExecuteAsync(connection,
                $"insert into framelease.schema_updates values ('{SchemaScripts.Own.Component}', {update.Number}, '{update.Name}', "
                    + $"'{update.Digest}')");
        }

        await PostgresServer.ExecuteAsync(connection, "insert into framelease_events.mt_streams (id, version) values ('parcel-1', 2)");
        if (number >= 4)
            await PostgresServer.ExecuteAsync(connection, """
                insert into framelease_events.mt_events (seq_id, id, stream_id, version, data, type, timestamp, is_archived)
                select nextval('framelease_events.mt_events_sequence'), gen_random_uuid(), 'parcel-1', n, format('{"chute": %s}',
                  n)::jsonb, 'parcel_sorted', now(), false
                from generate_series(1, 2) as n
                """);
        if (number >= 7)
            await PostgresServer.ExecuteAsync(connection,
                "insert into framelease.epochs values ('c', 'controllers', 41, null, now() - interval '1 hour')");
        if (number >= 8)
            await PostgresServer.ExecuteAsync(connection, "insert into framelease.commands (id, result) values ('done', '[]')");

        await using var store = new PostgresEventStore(
            new() { ConnectionString = connection, NewId = Guid.CreateVersion7 }, Parcels.Registry(), TimeProvider.System);
        await store.MigrateAsync(Ct);
        await store.MigrateAsync(Ct);

        if (number >= 4)
        {
            (await store.FetchStreamAsync("parcel-1", 1, Ct)).Events.Select(e => e.Data)
                .ShouldBe([new ParcelSorted(1), new ParcelSorted(2)]);
            await store.OpenSession().Append("parcel-1", 2, new ParcelSorted(3)).SaveChangesAsync(Ct);
            (await store.VerifyAsync(Ct)).Findings.ShouldBeEmpty();
        }

        if (number >= 8)
        {
            var repeated = store.OpenSession().AppendAny("parcel-1", new ParcelSorted(9));
            repeated.CommandId = "done";
            (await repeated.SaveChangesAsync(Ct)).IsRepeat.ShouldBeTrue();
        }

        // with events in it, a log of before the record of its server is nobody's until it was taken over
        var state = await store.Authority.ReadAsync(Ct);
        state.Holds.ShouldBe(number is < 4 or >= 9);
        if (!state.Holds)
            await store.Authority.TakeOver(store.OpenSession(), state, 1_000_000, "a test").SaveChangesAsync(Ct);
        (await store.Epochs.TryAcquireAsync("c", "controllers", "a", TimeSpan.FromMinutes(1), Ct))!.Epoch.ShouldBeGreaterThan(
            number >= 7 ? 41 : 0);
    }
}
