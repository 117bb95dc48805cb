using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Loading;

public sealed class ReadAllTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    async Task<long> AppendAsync(string stream) => (await Store.OpenSession().AppendAny(stream, new ParcelSorted(1)).SaveChangesAsync(Ct)).LastSequence;

    [Fact]
    public async Task The_log_is_read_page_by_page_in_order()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var stream = NewStream();
        for (var i = 0; i < 5; i++) await AppendAsync(stream);
        var first = await Store.ReadAllAsync(start, 3, null, Ct);
        (first.Events.Count, first.HasMore).ShouldBe((3, true));
        var second = await Store.ReadAllAsync(first.Position, 3, null, Ct);
        (second.Events.Count, second.HasMore).ShouldBe((2, false));
        first.Events.Concat(second.Events).Select(e => e.Version).ShouldBe([1, 2, 3, 4, 5]);
        (await Store.ReadAllAsync(second.Position, 3, null, Ct)).Events.ShouldBeEmpty();
    }

    [Fact]
    public async Task Filters_choose_by_stream_prefix_and_by_name_and_the_position_passes_what_they_leave_out()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        var (a, b) = (NewStream("truck"), NewStream("van"));
        await Store.OpenSession().Append(a, 0, new ParcelSorted(1), new ParcelHandedOver("x")).SaveChangesAsync(Ct);
        var last = (await Store.OpenSession().Append(b, 0, new ParcelSorted(1)).SaveChangesAsync(Ct)).LastSequence;

        var trucks = await Store.ReadAllAsync(start, 100, new("truck-"), Ct);
        trucks.Events.ShouldAllBe(e => e.Stream == a);
        trucks.Position.ShouldBe(last);
        (await Store.ReadAllAsync(start, 100, new(TypeNames: ["parcel_sorted"]), Ct)).Events.Select(e => e.Stream).ShouldBe([a, b]);
        (await Store.ReadAllAsync(start, 100, new("truck-", ["parcel_handed_over"]), Ct)).Events.Single().Data.ShouldBe(new ParcelHandedOver("x"));
    }

    [Fact]
    public async Task A_writer_that_pauses_before_its_commit_holds_back_what_was_committed_behind_it_and_nothing_is_missed()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        await using var paused = new NpgsqlConnection(ConnectionString);
        await paused.OpenAsync(Ct);
        await using var transaction = await paused.BeginTransactionAsync(Ct);
        var (slow, fast) = (NewStream("slow"), NewStream("fast"));
        await AppendRawAsync(paused, slow);
        var behind = await AppendAsync(fast);

        var held = await Store.ReadAllAsync(start, 100, null, Ct);
        held.Events.ShouldBeEmpty();
        held.Position.ShouldBe(start);

        await transaction.CommitAsync(Ct);
        var page = await Store.ReadAllAsync(held.Position, 100, null, Ct);
        page.Events.Select(e => e.Stream).ShouldBe([slow, fast]);
        page.Position.ShouldBe(behind);
    }

    [Fact]
    public async Task The_number_of_a_rolled_back_writer_is_a_hole_that_nobody_waits_for()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        await using var paused = new NpgsqlConnection(ConnectionString);
        await paused.OpenAsync(Ct);
        await using (await paused.BeginTransactionAsync(Ct)) await AppendRawAsync(paused, NewStream("slow"));
        var fast = NewStream("fast");
        var behind = await AppendAsync(fast);

        behind.ShouldBe(start + 2);
        var page = await Store.ReadAllAsync(start, 100, null, Ct);
        page.Events.Single().Stream.ShouldBe(fast);
        page.Position.ShouldBe(behind);
    }

    [Fact]
    public async Task A_long_transaction_that_appends_nothing_holds_nobody_back()
    {
        await using var other = new NpgsqlConnection(ConnectionString);
        await other.OpenAsync(Ct);
        await using var transaction = await other.BeginTransactionAsync(Ct);
        await using (var command = new NpgsqlCommand("select pg_current_xact_id(), count(*) from framelease_events.mt_events", other)) await command.ExecuteNonQueryAsync(Ct);
        var last = await AppendAsync(NewStream());
        (await Store.LatestSequenceAsync(Ct)).ShouldBe(last);
    }

    [Fact]
    public async Task Tombstones_of_other_writers_are_no_events()
    {
        var start = await Store.LatestSequenceAsync(Ct);
        await ExecuteAsync("""
            insert into framelease_events.mt_streams (id, version) values ('mt_tombstone', 0) on conflict do nothing;
            insert into framelease_events.mt_events (seq_id, id, stream_id, version, data, type, timestamp, is_archived)
            select n, gen_random_uuid(), 'mt_tombstone', n, '{}', 'tombstone', now(), false from nextval('framelease_events.mt_events_sequence') as n
            """);
        var page = await Store.ReadAllAsync(start, 100, null, Ct);
        page.Events.ShouldBeEmpty();
        page.Position.ShouldBe(start + 1);
    }

    [Fact]
    public async Task Positions_stay_right_beyond_31_bits()
    {
        await ExecuteAsync($"select setval('framelease_events.mt_events_sequence', {(1L << 31) * 3 - 2})");
        var stream = NewStream();
        for (var i = 0; i < 4; i++) await AppendAsync(stream);
        var start = await Store.LatestSequenceAsync(Ct);
        start.ShouldBe((1L << 31) * 3 + 2);
        await using var paused = new NpgsqlConnection(ConnectionString);
        await paused.OpenAsync(Ct);
        await using (await paused.BeginTransactionAsync(Ct))
        {
            await AppendRawAsync(paused, NewStream("slow"));
            await AppendAsync(stream);
            (await Store.LatestSequenceAsync(Ct)).ShouldBe(start);
        }
        (await Store.LatestSequenceAsync(Ct)).ShouldBe(start + 2);
    }

    static async Task AppendRawAsync(NpgsqlConnection connection, string stream)
    {
        await using var command = new NpgsqlCommand(
            "select framelease.append_events($1, null, 0, array[gen_random_uuid()], array['parcel_sorted'], array['x, y'], array['{\"chute\": 1}'::jsonb], "
            + "array[null::jsonb], null, null, null, false)", connection);
        command.Parameters.Add(new() { Value = stream });
        await command.ExecuteNonQueryAsync();
    }
}
