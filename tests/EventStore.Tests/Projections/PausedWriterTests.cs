// A writer that pauses between drawing its number and its commit. The invariants: no view ever goes past it while it lives, so none misses
// its event; and none waits longer than it must.
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Projections;

public sealed class PausedWriterTests(PostgresServer server, TestDatabase database) : DaemonTests(server, database)
{
    /// <summary>Every time of the daemon is far shorter than the pauses of these tests.</summary>
    static readonly ProjectionDaemonOptions Hasty = Quick with { StandBackFor = TimeSpan.FromMilliseconds(20) };

    async Task<NpgsqlConnection> OpenRawAsync(string application = "paused")
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ConnectionString) { ApplicationName = application, Pooling = false }.ConnectionString);
        await connection.OpenAsync(Ct);
        return connection;
    }

    Task<bool> IsInViewAsync(string parcel) =>
        ScalarAsync<bool>($"select exists (select from framelease.parcel_view where parcel = '{parcel}')");

    [Fact]
    public async Task A_late_commit_is_in_every_view_whatever_came_after_it_and_however_long_it_took()
    {
        // the first daemon runs when the writer pauses, the second starts and the third is made anew while it does
        var running = Start(OpenWith(Views.ParcelView()), Hasty);
        await running.CatchUpAsync(Ct);
        await using var paused = await OpenRawAsync();
        await using var transaction = await paused.BeginTransactionAsync(Ct);
        var (slow, fast) = (NewStream("slow"), NewStream("fast"));
        await PausedWriter.AppendAsync(paused, slow, Ct);
        await AppendAsync(fast, new ParcelSorted(1));
        var starting = Start(OpenWith(Views.ChuteView()), Hasty);
        var rebuilding = OpenWith(Views.ParcelView());
        await new ProjectionRebuild(rebuilding).RunAsync("parcels", RebuildMode.Swap, null, Ct);

        // until all have looked many times over, with polls of 100 ms, and found the log held back
        var polls = await PollsAsync();
        await EventuallyAsync(async () => await PollsAsync() > polls + 20);
        (await IsInViewAsync(fast)).ShouldBeFalse();
        (await running.ReadHealthAsync(Ct)).OldestGap.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(100));
        await transaction.CommitAsync(Ct);

        await running.CatchUpAsync(Ct);
        await starting.CatchUpAsync(Ct);
        (await IsInViewAsync(slow)).ShouldBeTrue();
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
        (await ScalarAsync<long>("select sum(parcels)::bigint from framelease.chute_view")).ShouldBe(
            await ScalarAsync<long>("select count(*) from framelease_events.mt_events where type = 'parcel_sorted'"));
        (await new ProjectionRebuild(rebuilding).RunAsync("parcels", RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue();

        Task<long> PollsAsync() => ScalarAsync<long>("select calls from test_polls()");
    }

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        // the looks at the log's end, counted by the function that every look calls
        await ExecuteAsync("""
            create sequence if not exists framelease.test_looks;
            grant usage, select, update on framelease.test_looks to framelease_app;
            create or replace function test_polls(out calls bigint) language sql as 'select last_value from framelease.test_looks';
            create or replace function framelease.log_end(out r_safe bigint, out r_last bigint) language plpgsql as $$
            begin
              perform nextval('framelease.test_looks');
              r_safe := framelease.safe_position();
              select case when is_called then last_value else 0 end into r_last from framelease_events.mt_events_sequence;
            end
            $$;
            """);
    }

    [Fact]
    public async Task A_commit_that_the_server_itself_delays_longer_than_every_time_out_is_waited_for_and_its_connection_left_alone()
    {
        var daemon = Start(OpenWith(Views.ParcelView()), Hasty with { EndStuckWritersAfter = TimeSpan.FromMilliseconds(200) });
        var (slow, fast) = (NewStream("slow"), NewStream("fast"));
        // in our own session, after its append: at work, not waiting for its client. Longer than the 5 s that a client may pause.
        var writing = Store.OpenSession().AppendAny(slow, new ParcelSorted(1)).Write(new("select pg_sleep(6)")).SaveChangesAsync(Ct);
        await EventuallyAsync(() => ScalarAsync<bool>("select exists (select from framelease.position_holders())"));
        await AppendAsync(fast, new ParcelSorted(1));
        (await writing).VersionOf(slow).ShouldBe(1);
        await daemon.CatchUpAsync(Ct);
        (await IsInViewAsync(slow)).ShouldBeTrue();
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }

    [Fact]
    public async Task A_writer_whose_client_is_silent_for_too_long_is_ended_so_that_the_views_go_on()
    {
        var daemon = Start(OpenWith(Views.ParcelView()), Hasty with { EndStuckWritersAfter = TimeSpan.FromMilliseconds(200) });
        await using var silent = await OpenRawAsync("silent");
        await using var transaction = await silent.BeginTransactionAsync(Ct);
        var (lost, fast) = (NewStream("lost"), NewStream("fast"));
        await PausedWriter.AppendAsync(silent, lost, Ct);
        await AppendAsync(fast, new ParcelSorted(1));
        await daemon.CatchUpAsync(Ct);
        await EventuallyAsync(() => IsInViewAsync(fast));
        // rolled back, and its client hears of it: nothing was acknowledged, nothing skipped
        await Should.ThrowAsync<NpgsqlException>(() => transaction.CommitAsync(Ct));
        (await Store.FetchStreamAsync(lost, 1, Ct)).Version.ShouldBe(0);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }

    [Fact]
    public async Task A_rolled_back_number_holds_nobody_although_no_hint_tells_of_the_rollback()
    {
        var store = Open(
            change: o => o with { Projections = new() { Asynchronous = [Views.ParcelView()] }, PollInterval = TimeSpan.FromMinutes(10) });
        var daemon = Start(store, Hasty);
        await using var paused = await OpenRawAsync();
        await using var transaction = await paused.BeginTransactionAsync(Ct);
        await PausedWriter.AppendAsync(paused, NewStream("slow"), Ct);
        var fast = NewStream("fast");
        await AppendAsync(fast, new ParcelSorted(1));
        await transaction.RollbackAsync(Ct);
        await EventuallyAsync(() => IsInViewAsync(fast));
    }
}
