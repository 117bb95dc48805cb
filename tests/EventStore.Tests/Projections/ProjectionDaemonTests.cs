using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Projections;

public sealed class ProjectionDaemonTests(PostgresServer server, TestDatabase database) : DaemonTests(server, database)
{
    [Fact]
    public async Task A_view_has_what_was_there_and_then_what_comes_with_every_field_as_in_the_log()
    {
        var parcel = NewStream();
        await AppendAsync(parcel, new ParcelAccepted("A", 3, ParcelSize.Box), new ParcelSorted(1));
        var daemon = Start(OpenWith(Views.ParcelView(), Views.ChuteView()));
        await daemon.CatchUpAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
        await AppendAsync(parcel, new ParcelHandedOver("B"));
        await AppendAsync(NewStream(), new ParcelSorted(1));
        await daemon.CatchUpAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
        (await ScalarAsync<long>("select sum(parcels)::bigint from framelease.chute_view")).ShouldBe(
            await ScalarAsync<long>("select count(*) from framelease_events.mt_events where type = 'parcel_sorted'"));
    }

    [Fact]
    public async Task Replicas_share_a_projection_and_each_event_is_in_the_view_once()
    {
        var writing = Task.WhenAll(Enumerable.Range(0, 8).Select(async w =>
        {
            for (var i = 0; i < 40; i++) await AppendAsync($"shared-{w}", new ParcelSorted(w), new ParcelHandedOver("x"));
        }));
        var daemons = Enumerable.Range(0, 3).Select(_ => Start(OpenWith(Views.ParcelView("shared")), Quick with { BatchSize = 7 }))
            .ToList();
        await writing;
        foreach (var daemon in daemons) await daemon.CatchUpAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }

    [Fact]
    public async Task A_replica_that_stood_back_takes_over_when_the_other_ends()
    {
        var view = Views.ChuteView("taken_over");
        Start(OpenWith(view), out var stop);
        var second = Start(OpenWith(view));
        // somebody loses as soon as both want to write
        await EventuallyAsync(async () =>
        {
            await AppendAsync(NewStream(), new ParcelSorted(1));
            return (await HealthAsync(second, "taken_over")).State is ProjectionState.StandingBack or ProjectionState.Running;
        });
        await stop.CancelAsync();
        await AppendAsync(NewStream(), new ParcelSorted(1));
        await second.CatchUpAsync(Ct);
        (await ScalarAsync<long>("select sum(parcels)::bigint from framelease.chute_view")).ShouldBe(
            await ScalarAsync<long>("select count(*) from framelease_events.mt_events where type = 'parcel_sorted'"));
    }

    [Fact]
    public async Task A_projection_that_fails_on_an_event_has_applied_all_before_it_names_it_and_goes_on_once_it_is_mended()
    {
        var table = new ViewTable("failing_view");
        await ExecuteAsync("create table if not exists framelease.failing_view (parcel varchar primary key, n int)");
        await ExecuteAsync("grant all on framelease.failing_view to framelease_app");
        var isMended = false;
        var projection = Views.ParcelView("failing") with
        {
            Tables = [table],
            Project = (events, view) =>
            {
                foreach (var e in events)
                {
                    if (e.Data is ParcelHandedOver { To: "nobody" } && !Volatile.Read(ref isMended))
                        throw new InvalidOperationException("nobody is not a person");
                    view.Execute($"insert into {table} as v values ({e.Stream}, 1) on conflict (parcel) do update set n = v.n + 1");
                }
            },
        };
        var (good, bad, late) = (NewStream("good"), NewStream("bad"), NewStream("late"));
        for (var i = 0; i < 9; i++) await AppendAsync(good, new ParcelSorted(i));
        await AppendAsync(bad, new ParcelHandedOver("nobody"));
        await AppendAsync(late, new ParcelSorted(1));

        var daemon = Start(OpenWith(projection, Views.ChuteView("unharmed")));
        await EventuallyAsync(async () => (await HealthAsync(daemon, "failing")).State == ProjectionState.Failed);
        var health = await HealthAsync(daemon, "failing");
        health.Problem.ShouldNotBeNull().ShouldContain("'parcel_handed_over' of stream '" + bad);
        health.Lag.ShouldBeGreaterThan(0);
        health.LagAge.ShouldBeGreaterThan(TimeSpan.Zero);
        (await ScalarAsync<int>($"select n from framelease.failing_view where parcel = '{good}'")).ShouldBe(9);
        (await Should.ThrowAsync<ProjectionException>(() => daemon.CatchUpAsync(Ct))).Message.ShouldContain("nobody is not a person");
        await EventuallyAsync(async () => (await HealthAsync(daemon, "unharmed")) is { Lag: 0, State: ProjectionState.Running });

        Volatile.Write(ref isMended, true);
        await EventuallyAsync(
            async () => (await HealthAsync(daemon, "failing")) is { Lag: 0, State: ProjectionState.Running, Problem: null });
        (await ScalarAsync<long>($"select sum(n) from framelease.failing_view where parcel in ('{good}', '{bad}', '{late}')")).ShouldBe(11);
    }

    [Fact]
    public async Task Statements_that_PostgreSQL_refuses_stop_the_view_at_the_event_that_they_are_for()
    {
        var projection = Views.ChuteView("refused") with
        {
            Tables = [new("refused_view")],
            Project = (events, view) =>
            {
                foreach (var e in events)
                    view.Execute($"insert into {new ViewTable("refused_view")} values ({((ParcelSorted)e.Data).Chute})");
            },
        };
        await ExecuteAsync("create table if not exists framelease.refused_view (chute int check (chute <> 13))");
        await ExecuteAsync("grant all on framelease.refused_view to framelease_app");
        await AppendAsync(NewStream(), new ParcelSorted(12), new ParcelSorted(13));
        var daemon = Start(OpenWith(projection));
        await EventuallyAsync(async () => (await HealthAsync(daemon, "refused")).State == ProjectionState.Failed);
        (await HealthAsync(daemon, "refused")).Problem.ShouldNotBeNull().ShouldContain("refused_view_chute_check");
        (await ScalarAsync<long>("select count(*) from framelease.refused_view where chute = 12")).ShouldBe(1);
    }

    [Fact]
    public async Task An_event_of_a_newer_program_stops_the_view_instead_of_being_lost_for_it()
    {
        var newer = Open(new EventRegistry().Register<ParcelSorted>("parcel_sorted", 2).Upcast("parcel_sorted", 1, o => o));
        var daemon = Start(OpenWith(Views.ChuteView("older")));
        await daemon.CatchUpAsync(Ct);
        await newer.OpenSession().AppendAny(NewStream(), new ParcelSorted(1)).SaveChangesAsync(Ct);
        await EventuallyAsync(async () => (await HealthAsync(daemon, "older")).State == ProjectionState.Failed);
        (await HealthAsync(daemon, "older")).Problem.ShouldNotBeNull().ShouldContain("newer than the declared version");
        // the other tests of this class have no use for it
        await ExecuteAsync("delete from framelease_events.mt_events where headers->>'data-version' = '2'");
    }

    [Fact]
    public async Task Events_of_other_kinds_move_the_position_too_but_not_with_a_write_each()
    {
        var daemon = Start(OpenWith(Views.ChuteView("rarely")));
        for (var i = 0; i < 20; i++) await AppendAsync(NewStream(), new ParcelHandedOver("x"));
        await daemon.CatchUpAsync(Ct);
        var end = await Store.LatestSequenceAsync(Ct);
        await EventuallyAsync(async () => (await HealthAsync(daemon, "rarely")).Position >= end);
        (await HealthAsync(daemon, "rarely")).Lag.ShouldBe(0);
    }

    [Fact]
    public async Task Health_tells_positions_without_a_running_daemon_and_a_gap_while_a_writer_holds_the_log_back()
    {
        var store = OpenWith(Views.ChuteView("told"));
        var daemon = new ProjectionDaemon(store);
        (await HealthAsync(daemon, "told")).ShouldSatisfyAllConditions(
            h => h.State.ShouldBe(ProjectionState.NotHere), h => h.Position.ShouldBeNull(), h => h.Identity.ShouldBe("told:All"));
        await Should.ThrowAsync<InvalidOperationException>(async () =>
        {
            await AppendAsync(NewStream(), new ParcelSorted(1));
            await daemon.CatchUpAsync(Ct);
        });

        await using var paused = new Npgsql.NpgsqlConnection(ConnectionString);
        await paused.OpenAsync(Ct);
        await using var transaction = await paused.BeginTransactionAsync(Ct);
        await PausedWriter.AppendAsync(paused, NewStream("slow"), Ct);
        var health = await daemon.ReadHealthAsync(Ct);
        health.LastSequence.ShouldBeGreaterThan(health.Position);
        health.OldestGap.ShouldBeGreaterThan(TimeSpan.Zero);
        await transaction.RollbackAsync(Ct);
        health = await daemon.ReadHealthAsync(Ct);
        health.LastSequence.ShouldBe(health.Position);
        health.OldestGap.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void A_subscription_cannot_have_a_projections_name() =>
        Should.Throw<ArgumentException>(() => new ProjectionDaemon(
            OpenWith(Views.ChuteView("twice")), [new Subscription { Name = "twice", Handle = (_, _) => Task.CompletedTask }]))
                .Message.ShouldContain("twice");
}
