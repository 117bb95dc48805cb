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

    [Fact]
    public async Task A_stream_is_started_once()
    {
        var stream = NewStream();
        await Store.OpenSession().StartStream(stream, new ParcelSorted(1)).SaveChangesAsync(Ct);
        var refusal = await Should.ThrowAsync<ExistingStreamIdCollisionException>(
            () => Store.OpenSession().StartStream(stream, new ParcelSorted(1)).SaveChangesAsync(Ct));
        (refusal.Stream, refusal.Actual).ShouldBe((stream, 1));
    }

    [Fact]
    public async Task An_append_to_a_stream_that_does_not_exist_is_refused_unless_it_expects_none()
    {
        var stream = NewStream();
        var refusal = await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(
            () => Store.OpenSession().Append(stream, 3, new ParcelSorted(1)).SaveChangesAsync(Ct));
        (refusal.Expected, refusal.Actual).ShouldBe((3, 0));
        (await Store.FetchStreamStateAsync(stream, Ct)).ShouldBeNull();
    }

    [Fact]
    public async Task An_append_that_expects_nothing_takes_any_version()
    {
        var stream = NewStream();
        (await Store.OpenSession().AppendAny(stream, new ParcelSorted(1)).SaveChangesAsync(Ct)).VersionOf(stream).ShouldBe(1);
        (await Store.OpenSession().AppendAny(stream, new ParcelSorted(2), new ParcelSorted(3)).SaveChangesAsync(Ct)).VersionOf(stream).ShouldBe(3);
    }

    [Fact]
    public async Task Several_streams_are_committed_together_or_not_at_all()
    {
        var (a, b) = (NewStream("b"), NewStream("a"));
        var committed = await Store.OpenSession().Append(a, 0, new ParcelSorted(1)).Append(b, 0, new ParcelSorted(1), new ParcelSorted(2)).SaveChangesAsync(Ct);
        committed.Streams.Select(s => (s.Stream, s.Version)).ShouldBe([(a, 1), (b, 2)]);

        var refusal = await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(
            () => Store.OpenSession().Append(a, 1, new ParcelSorted(2)).Append(b, 1, new ParcelSorted(3)).SaveChangesAsync(Ct));
        (refusal.Stream, refusal.Expected, refusal.Actual).ShouldBe((b, 1, 2));
        (await Store.FetchStreamsAsync([a, b], Ct)).Select(s => s.Version).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Appends_to_one_stream_in_one_session_must_follow_each_other()
    {
        var stream = NewStream();
        var session = Store.OpenSession().Append(stream, 0, new ParcelSorted(1));
        Should.Throw<ArgumentException>(() => session.Append(stream, 0, new ParcelSorted(2))).Message.ShouldContain("does not follow");
        await session.Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct);
        (await Store.FetchStreamAsync(stream, 1, Ct)).Version.ShouldBe(2);
    }

    [Fact]
    public async Task An_archived_stream_takes_no_more_events_and_says_so()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await ExecuteAsync($"update framelease_events.mt_streams set is_archived = true where id = '{stream}'; "
            + $"update framelease_events.mt_events set is_archived = true where stream_id = '{stream}'");
        await Should.ThrowAsync<InvalidStreamOperationException>(() => Store.OpenSession().Append(stream, 1, new ParcelSorted(2)).SaveChangesAsync(Ct));
        await Should.ThrowAsync<InvalidStreamOperationException>(() => Store.OpenSession().AppendAny(stream, new ParcelSorted(2)).SaveChangesAsync(Ct));
        var slice = await Store.FetchStreamAsync(stream, 1, Ct);
        (slice.IsArchived, slice.Version, slice.Events.Count).ShouldBe((true, 1, 0));
    }

    [Fact]
    public void An_event_above_the_limit_is_refused_with_its_size()
    {
        var store = Open(change: o => o with { MaxEventBytes = 2000 });
        var refusal = Should.Throw<EventTooLargeException>(() => store.OpenSession().Append(NewStream(), 0, new ParcelHandedOver(new string('é', 1000))));
        (refusal.Limit, refusal.Bytes).ShouldBe((2000, 1000 * 6 + """{"to":""}""".Length));
    }

    [Fact]
    public void An_undeclared_event_is_refused_with_the_mend() =>
        Should.Throw<ArgumentException>(() => Store.OpenSession().Append(NewStream(), 0, new Version(1, 2))).Message.ShouldContain("Register<Version>");

    [Fact]
    public async Task A_string_that_jsonb_cannot_hold_is_the_callers_error_not_the_databases()
    {
        var refusal = await Should.ThrowAsync<EventSerializationException>(
            () => Store.OpenSession().Append(NewStream(), 0, new ParcelHandedOver("nul\0")).SaveChangesAsync(Ct));
        refusal.IsTransient.ShouldBeFalse();
    }

    [Fact]
    public void An_event_that_is_no_JSON_is_refused_at_once_and_names_what_it_is()
    {
        var store = Open(Parcels.Registry().Register<ParcelLinked>("parcel_linked").Register<ParcelWeighed>("parcel_weighed"));
        var loop = new ParcelLinked();
        loop.Next = loop;
        Should.Throw<EventSerializationException>(
            () => store.OpenSession().Append(NewStream(), 0, loop)).Message.ShouldContain("'parcel_linked'");
        Should.Throw<EventSerializationException>(() => store.OpenSession().Append(NewStream(), 0, new ParcelWeighed(double.NaN)))
            .Message.ShouldContain("'parcel_weighed'");
    }

    sealed class ParcelLinked
    {
        public ParcelLinked? Next { get; set; }
    }

    sealed record ParcelWeighed(double Kilos);

    [Theory]
    [InlineData("")]
    [InlineData("line\nbreak")]
    [InlineData("mt_tombstone")]
    public void A_stream_key_that_cannot_be_is_refused(string key) =>
        Should.Throw<ArgumentException>(() => Store.OpenSession().Append(key, 0, new ParcelSorted(1)));

    [Fact]
    public async Task A_large_session_keeps_its_order()
    {
        var stream = NewStream();
        var events = Enumerable.Range(0, 3000).Select(i => (object)new ParcelSorted(i)).ToList();
        var committed = await Store.OpenSession().Append(stream, 0, events).SaveChangesAsync(Ct);
        committed.Streams[0].Sequences.ShouldBe(committed.Streams[0].Sequences.Order());
        (await Store.FetchStreamAsync(stream, 1, Ct)).Events.Select(e => ((ParcelSorted)e.Data).Chute).ShouldBe(Enumerable.Range(0, 3000));
    }

    [Fact]
    public async Task A_session_is_saved_once()
    {
        var session = Store.OpenSession().Append(NewStream(), 0, new ParcelSorted(1));
        await session.SaveChangesAsync(Ct);
        await Should.ThrowAsync<InvalidOperationException>(() => session.SaveChangesAsync(Ct));
    }

    /// <summary>Once an append took 25 ms on a server as it is installed: PostgreSQL compiled every one.</summary>
    [Fact]
    public async Task A_connection_neither_compiles_its_look_ups_nor_reads_whole_tables_for_them()
    {
        (await Store.ScalarAsync<string>("show jit", Ct)).ShouldBe("off");
        (await Store.ScalarAsync<string>("show enable_seqscan", Ct)).ShouldBe("off");
    }
}
