using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Loading;

public sealed class AggregationTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    public sealed record Travel(int Stops, long Sum, string? To)
    {
        public static Travel Start { get; } = new(0, 0, null);

        public static Travel Evolve(Travel state, EventEnvelope e) => e.Data switch
        {
            ParcelSorted sorted => state with { Stops = state.Stops + 1, Sum = state.Sum + sorted.Chute },
            ParcelHandedOver over => state with { To = over.To },
            _ => state,
        };
    }

    static readonly Aggregation<Travel> Plain = new() { Seed = Travel.Start, Evolve = Travel.Evolve };

    static Aggregation<Travel> Kept(int version = 1, int every = 5) => Plain with { Snapshots = new("travel", version, every) };

    async Task<string> FilledAsync(int events)
    {
        var stream = NewStream();
        for (var i = 0; i < events; i++) await Store.OpenSession().AppendAny(stream, new ParcelSorted(i + 1)).SaveChangesAsync(Ct);
        return stream;
    }

    Task<string> KeptAsync(string stream) => ScalarAsync<string>($"""
        select coalesce(string_agg(format('%s v%s', version, state_version), ' '), '') from framelease.snapshots where stream = '{stream}'
        """);

    [Fact]
    public async Task A_stream_is_fetched_decided_on_and_appended_to_at_the_version_that_was_seen()
    {
        var stream = await FilledAsync(2);
        var session = Store.OpenSession();
        var parcel = await session.FetchForWritingAsync(stream, Plain, Ct);
        parcel.State.ShouldBe(new(2, 3, null));
        parcel.Append(new ParcelSorted(7)).Append(new ParcelHandedOver("B"));
        (await session.SaveChangesAsync(Ct)).VersionOf(stream).ShouldBe(4);

        var (late, other) = (Store.OpenSession(), Store.OpenSession());
        var seen = await late.FetchForWritingAsync(stream, Plain, Ct);
        await other.AppendAny(stream, new ParcelSorted(1)).SaveChangesAsync(Ct);
        seen.Append(new ParcelSorted(2));
        (await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(() => late.SaveChangesAsync(Ct))).Actual.ShouldBe(5);

        var fresh = NewStream();
        var first = Store.OpenSession();
        (await first.FetchForWritingAsync(fresh, Plain, Ct)).Append(new ParcelSorted(1));
        (await first.SaveChangesAsync(Ct)).VersionOf(fresh).ShouldBe(1);
    }

    [Fact]
    public async Task A_kept_state_and_the_events_after_it_give_the_state_that_all_events_give()
    {
        var stream = await FilledAsync(4);
        (await Store.AggregateAsync(stream, Kept(), Ct)).State.Stops.ShouldBe(4);
        (await KeptAsync(stream)).ShouldBe("");
        for (var i = 5; i <= 23; i++)
        {
            await Store.OpenSession().AppendAny(stream, new ParcelSorted(i)).SaveChangesAsync(Ct);
            var (kept, plain) = (await Store.AggregateAsync(stream, Kept(), Ct), await Store.AggregateAsync(stream, Plain, Ct));
            (kept with { Now = default }).ShouldBe(plain with { Now = default });
        }

        (await KeptAsync(stream)).ShouldBe("20 v1");
    }

    [Fact]
    public async Task The_past_is_read_from_a_kept_state_only_if_that_is_older()
    {
        var stream = await FilledAsync(6);
        var between = await Store.NowAsync(Ct);
        await Store.AggregateAsync(stream, Kept(), Ct);
        await Store.OpenSession().AppendAny(stream, new ParcelHandedOver("B")).SaveChangesAsync(Ct);
        await ExecuteAsync($$"""update framelease.snapshots set state = state || '{"to": "kept"}' where stream = '{{stream}}'""");

        async Task<string> AtAsync(long? version = null, DateTimeOffset? time = null)
        {
            var then = await Store.AggregateAsync(stream, Kept(), Ct, version, time);
            return $"{then.Version} {then.State.Stops} {then.State.To}";
        }

        (await AtAsync()).ShouldBe("7 6 B");
        (await AtAsync(version: 6)).ShouldBe("6 6 kept");
        (await AtAsync(version: 5)).ShouldBe("5 5 ");
        (await AtAsync(time: between)).ShouldBe("6 6 kept");
        (await AtAsync(time: between - TimeSpan.FromDays(1))).ShouldBe("0 0 ");
    }

    [Fact]
    public async Task States_of_other_versions_broken_ones_and_ones_of_another_history_are_not_believed()
    {
        var stream = await FilledAsync(6);
        var truth = new Travel(6, 21, null);
        await Store.AggregateAsync(stream, Kept(2), Ct);
        (await KeptAsync(stream)).ShouldBe("6 v2");
        // an older program reads its events, and leaves the newer state alone
        (await Store.AggregateAsync(stream, Kept(1), Ct)).State.ShouldBe(truth);
        (await KeptAsync(stream)).ShouldBe("6 v2");
        (await Store.AggregateAsync(stream, Kept(3), Ct)).State.ShouldBe(truth);
        (await KeptAsync(stream)).ShouldBe("6 v3");

        foreach (var state in new[] { "\"text\"", """{"stops": "many"}""", "null" })
        {
            await ExecuteAsync($"update framelease.snapshots set state = '{state}' where stream = '{stream}'");
            (await Store.AggregateAsync(stream, Kept(3), Ct)).State.ShouldBe(truth, state);
        }

        await ExecuteAsync(
            $$"""update framelease.snapshots set version = 99, state = '{"stops": 99, "sum": 0}' where stream = '{{stream}}'""");
        (await Store.AggregateAsync(stream, Kept(3), Ct)).State.ShouldBe(truth);
    }

    [Fact]
    public async Task A_state_with_an_event_that_could_not_be_read_is_not_kept()
    {
        var stream = await FilledAsync(6);
        var older = Open(new EventRegistry().Register<ParcelHandedOver>());
        (await older.AggregateAsync(stream, Kept(), Ct)).UnknownEvents.ShouldBe(6);
        (await KeptAsync(stream)).ShouldBe("");
    }

    [Fact]
    public async Task Events_are_loaded_by_kind()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var stream = NewStream();
        await Store.OpenSession()
            .Append(stream, 0, new ParcelSorted(1), new ParcelHandedOver("A"), new ParcelAccepted("S", 1, ParcelSize.Box))
            .SaveChangesAsync(Ct);
        await Store.OpenSession().Append(stream, 3, new ParcelSorted(2)).SaveChangesAsync(Ct);
        var found = new List<long>();
        await foreach (var e in Store.ReadTypesAsync(["parcel_sorted", "parcel_handed_over"], start, Ct)) found.Add(e.Version);
        found.ShouldBe([1, 2, 4]);
        await Should.ThrowAsync<ArgumentException>(async () =>
        {
            await foreach (var _ in Store.ReadTypesAsync([], 0, Ct)) break;
        });
    }

    [Fact]
    public async Task A_piece_of_the_log_ends_by_bytes_too_and_misses_nothing()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var random = new Random(7);
        // hardly compressible
        string Large() => string.Concat(Enumerable.Range(0, 100_000).Select(_ => (char)random.Next(0x4e00, 0x9000)));
        var stream = NewStream();
        for (var i = 0; i < 40; i++) await Store.OpenSession().AppendAny(stream, new ParcelHandedOver(Large())).SaveChangesAsync(Ct);
        var end = await Store.LatestSequenceAsync(Ct);
        var first = await LogReader.ReadAsync(Store, start, end, EventFilter.All, 1000, Ct);
        first.Events.Count.ShouldBeInRange(2, 39);
        first.IsFull.ShouldBeTrue();
        var versions = new List<long>();
        await foreach (var e in Store.ReadTypesAsync(["parcel_handed_over"], start, Ct)) versions.Add(e.Version);
        versions.ShouldBe(Enumerable.Range(1, 40).Select(i => (long)i));
    }
}
