using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Loading;

public sealed class FetchTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Fact]
    public async Task A_stream_that_does_not_exist_is_empty_at_version_0_with_the_databases_time()
    {
        var slice = await Store.FetchStreamAsync(NewStream(), 1, Ct);
        (slice.Version, slice.Events.Count, slice.IsArchived).ShouldBe((0, 0, false));
        slice.Now.ShouldBeGreaterThan(DateTimeOffset.UnixEpoch);
        (await Store.FetchStreamStateAsync("none", Ct)).ShouldBeNull();
    }

    [Fact]
    public async Task A_stream_is_fetched_from_a_version_on_and_knows_its_version_all_the_same()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1), new ParcelSorted(2), new ParcelSorted(3)).SaveChangesAsync(Ct);
        (await Store.FetchStreamAsync(stream, 3, Ct)).Events.Single().Version.ShouldBe(3);
        (await Store.FetchStreamAsync(stream, 0, Ct)).Events.Count.ShouldBe(3);
        var after = await Store.FetchStreamAsync(stream, 4, Ct);
        (after.Version, after.Events.Count).ShouldBe((3, 0));
        (await Store.FetchStreamStateAsync(stream, Ct))!.Version.ShouldBe(3);
    }

    [Fact]
    public async Task A_state_is_folded_as_it_is_as_it_was_at_a_version_and_as_it_was_at_a_time()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1), new ParcelSorted(10)).SaveChangesAsync(Ct);
        var between = await Store.NowAsync(Ct);
        await Store.OpenSession().Append(stream, 2, new ParcelSorted(100)).SaveChangesAsync(Ct);
        static int Sum(int sum, EventEnvelope e) => e.Data is ParcelSorted s ? sum + s.Chute : sum;

        var now = await Store.AggregateAsync(stream, 0, Sum, Ct);
        (now.State, now.Version, now.UnknownEvents).ShouldBe((111, 3, 0));
        (await Store.AggregateAsync(stream, 0, Sum, Ct, atVersion: 1)).State.ShouldBe(1);
        var then = await Store.AggregateAsync(stream, 0, Sum, Ct, atTime: between);
        (then.State, then.Version).ShouldBe((11, 2));
        (await Store.AggregateAsync(stream, 0, Sum, Ct, atVersion: 3, atTime: between)).State.ShouldBe(11);
        (await Store.AggregateAsync(NewStream(), 7, Sum, Ct)).State.ShouldBe(7);
    }

    [Fact]
    public async Task A_server_that_was_killed_and_restarted_is_read_from_again_without_an_error()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Store.NowAsync(Ct)));
        System.Diagnostics.Process.GetProcessById(Server.ProcessId).Kill();
        await Server.StartAsync();
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(1);
        await Store.OpenSession().Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_unavailable_and_a_missing_schema_names_the_mend()
    {
        var nowhere = Open(change: o => o with { ConnectionString = "Host=/nonexistent;Username=x;Database=x" });
        (await Should.ThrowAsync<EventStoreUnavailableException>(() => nowhere.NowAsync(Ct))).IsTransient.ShouldBeTrue();
        (await Should.ThrowAsync<EventStoreUnavailableException>(
            () => nowhere.OpenSession().Append("s", 0, new ParcelSorted(1)).SaveChangesAsync(Ct))).IsTransient.ShouldBeTrue();

        var empty = Open(change: o => o with { ConnectionString = Server.ConnectionString });
        (await Should.ThrowAsync<EventStoreSchemaException>(() => empty.FetchStreamAsync("s", 1, Ct))).Message.ShouldContain("MigrateAsync");
    }
}
