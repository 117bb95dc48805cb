using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Sessions;

public sealed class AppendTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    [Fact]
    public async Task Appended_events_come_back_in_order_with_everything_that_was_written()
    {
        var stream = NewStream();
        var before = await Store.NowAsync(Ct);
        var session = Store.OpenSession(new("corr", "cause", "alice", new Dictionary<string, string> { ["shift"] = "night" }));
        var committed = await session
            .Append(stream, 0, new ParcelAccepted("Ünïcode \"quoted\"", 1200, ParcelSize.Box), new ParcelSorted(3))
            .SaveChangesAsync(Ct);

        committed.VersionOf(stream).ShouldBe(2);
        committed.IsRepeat.ShouldBeFalse();
        var slice = await Store.FetchStreamAsync(stream, 1, Ct);
        slice.Version.ShouldBe(2);
        slice.Events.Select(e => e.Data).ShouldBe([new ParcelAccepted("Ünïcode \"quoted\"", 1200, ParcelSize.Box), new ParcelSorted(3)]);
        slice.Events.Select(e => e.Version).ShouldBe([1, 2]);
        slice.Events.Select(e => e.Sequence).ShouldBe(committed.Streams[0].Sequences);
        slice.Events.Select(e => e.TypeName).ShouldBe(["parcel_accepted", "parcel_sorted"]);
        slice.Events.ShouldAllBe(e => e.CorrelationId == "corr" && e.CausationId == "cause" && e.Actor == "alice" && e.Headers["shift"] == "night");
        slice.Events.ShouldAllBe(e => e.Timestamp >= before && e.Timestamp <= slice.Now);
        slice.Events[0].RawText.ShouldContain("\"size\": \"Box\"");
        committed.Timestamp.ShouldBeGreaterThanOrEqualTo(slice.Events[1].Timestamp);
    }

    [Fact]
    public async Task A_second_append_with_the_same_expected_version_is_refused()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        var refusal = await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(
            () => Store.OpenSession().Append(stream, 0, new ParcelSorted(2)).SaveChangesAsync(Ct));
        (refusal.Stream, refusal.Expected, refusal.Actual, refusal.IsTransient).ShouldBe((stream, 0, 1, false));
        (await Store.FetchStreamAsync(stream, 1, Ct)).Events.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Losers_draw_no_sequence_number()
    {
        var stream = NewStream();
        var first = await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        for (var i = 0; i < 3; i++)
            await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(() => Store.OpenSession().Append(stream, 7, new ParcelSorted(2)).SaveChangesAsync(Ct));
        var next = await Store.OpenSession().Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct);
        next.LastSequence.ShouldBe(first.LastSequence + 1);
    }
}
