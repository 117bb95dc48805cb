using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Operations;

[Collection(PostgresServer.Collection)]
public sealed class AuthorityTests(PostgresServer server) : IAsyncLifetime
{
    readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(5));
    readonly List<PostgresEventStore> _stores = [];
    string _connectionString = "";

    CancellationToken Ct => _limit.Token;

    // a database each: all of them share one server, and what they change is the record of who it is
    public async Task InitializeAsync()
    {
        _connectionString = await server.CreateDatabaseAsync();
        await Open().MigrateAsync(Ct);
    }

    public async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        _limit.Dispose();
    }

    PostgresEventStore Open(bool requireAuthority = false)
    {
        _stores.Add(new(
            new()
            {
                ConnectionString = _connectionString, NewId = Guid.CreateVersion7, MaxPoolSize = 10,
                RequireAuthority = requireAuthority
            },
            Parcels.Registry(), TimeProvider.System));
        return _stores[^1];
    }

    Task ExecuteAsync(string sql) => PostgresServer.ExecuteAsync(_connectionString, sql);

    Task PretendRestoreAsync() => ExecuteAsync("update framelease.authority set system_identifier = '7000000000000000001'");

    async Task TakeOverAsync(PostgresEventStore store, long floor = 1_000_000)
    {
        var session = store.OpenSession();
        store.Authority.TakeOver(session, await store.Authority.ReadAsync(Ct), floor, "a test");
        await session.SaveChangesAsync(Ct);
    }

    [Fact]
    public async Task An_empty_log_belongs_to_the_server_on_which_it_begins()
    {
        var state = await Open().Authority.ReadAsync(Ct);
        state.Holds.ShouldBeTrue();
        state.Difference.ShouldBeNull();
        state.Recorded!.Incarnation.ShouldBe(1);
        state.SystemIdentifier.ShouldBe(
            await PostgresServer.ScalarAsync<string>(_connectionString, "select system_identifier::text from pg_control_system()"));
        state.Timeline.ShouldBe(1);
        await Open(requireAuthority: true).NowAsync(Ct);
    }

    [Fact]
    public async Task On_another_server_nobody_connects_and_nobody_leads_until_it_was_taken_over()
    {
        var lead = (await Open().Epochs.TryAcquireAsync("c", "controllers", "a", TimeSpan.FromMinutes(5), Ct))!;
        await PretendRestoreAsync();
        var refusal = await Should.ThrowAsync<AuthorityChangedException>(() => Open(requireAuthority: true).NowAsync(Ct));
        refusal.IsTransient.ShouldBeFalse();
        refusal.Message.ShouldContain("was system 7000000000000000001, timeline 1");
        await Should.ThrowAsync<AuthorityChangedException>(
            () => Open(requireAuthority: true).OpenSession().Append("parcel-1", 0, new ParcelSorted(1)).SaveChangesAsync(Ct));
        // one pool without the check: the function that hands out epochs looks for itself, also for the leader of before
        await Should.ThrowAsync<AuthorityChangedException>(
            () => Open().Epochs.TryAcquireAsync("c", "controllers", "a", TimeSpan.FromMinutes(5), Ct));
        await Should.ThrowAsync<AuthorityChangedException>(
            () => Open().Epochs.TryAcquireAsync("c", "dispatch-default", "b", TimeSpan.FromMinutes(5), Ct));

        await TakeOverAsync(Open());

        var guarded = Open(requireAuthority: true);
        await guarded.NowAsync(Ct);
        (await guarded.Epochs.RenewAsync(lead, Ct)).ShouldBeFalse("the leader of before must notice");
        await Should.ThrowAsync<EpochFencedException>(
            () => guarded.OpenSession().RequireEpoch("c", "controllers", lead.Epoch).Append("parcel-2", 0, new ParcelSorted(1))
                .SaveChangesAsync(Ct));
        (await guarded.Epochs.TryAcquireAsync("c", "controllers", "b", TimeSpan.FromMinutes(5), Ct))!.Epoch.ShouldBeGreaterThan(
            1_000_000 + lead.Epoch);
        (await guarded.Epochs.TryAcquireAsync("c", "never-led-before", "b", TimeSpan.FromMinutes(5), Ct))!.Epoch.ShouldBeGreaterThan(
            1_000_000);
    }

    [Fact]
    public async Task Of_many_that_take_over_at_once_one_does()
    {
        await PretendRestoreAsync();
        var store = Open();
        var seen = await store.Authority.ReadAsync(Ct);
        var tries = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            try
            {
                await store.Authority.TakeOver(store.OpenSession(), seen, 5, "a test").SaveChangesAsync(Ct);
                return "taken";
            }
            catch (GuardFailedException e)
            {
                return e.Code;
            }
        }));
        tries.Count(t => t == "taken").ShouldBe(1);
        tries.Count(t => t == "AuthorityTaken").ShouldBe(5);
        (await store.Authority.HistoryAsync(10, Ct)).Select(i => i.Incarnation).ShouldBe([2, 1]);
    }

    [Fact]
    public async Task The_floor_is_never_lowered_and_the_record_never_rewritten()
    {
        await PretendRestoreAsync();
        await TakeOverAsync(Open(), floor: 500);
        await ExecuteAsync("update framelease.authority set timeline = timeline + 1");
        await TakeOverAsync(Open(), floor: 3);
        (await Open().Authority.ReadAsync(Ct)).Recorded!.Floor.ShouldBe(500);
        foreach (var sql in new[] { "update framelease.authority set floor = 0", "delete from framelease.authority" })
            await Should.ThrowAsync<EventStoreDatabaseException>(() => Open().OpenSession().Write(new(sql)).SaveChangesAsync(Ct));
    }

    [Fact]
    public async Task A_log_that_is_older_than_the_record_is_taken_over_at_the_first_start()
    {
        var old = await server.CreateDatabaseAsync();
        _connectionString = old;
        await Open().MigrateAsync(Ct);
        await Open().OpenSession().Append("parcel-1", 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await ExecuteAsync("drop table framelease.authority; delete from framelease.schema_updates where number in (9, 12)");
        await Open().MigrateAsync(Ct);
        var state = await Open().Authority.ReadAsync(Ct);
        state.Holds.ShouldBeFalse();
        state.Difference!.ShouldContain("an unknown server");
    }
}
