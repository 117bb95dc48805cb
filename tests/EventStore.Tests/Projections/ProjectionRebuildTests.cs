using System.Diagnostics;
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Projections;

public sealed class ProjectionRebuildTests(PostgresServer server, TestDatabase database) : DaemonTests(server, database)
{
    const string Catalogue = """
        select string_agg(line, E'\n' order by line) from (
          select format(
            '%s %s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) as line
          from pg_attribute as a left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = 'framelease.parcel_view'::regclass and a.attnum > 0
          union all select format('%s %s', c.conname, pg_get_constraintdef(c.oid)) from pg_constraint as c
          where c.conrelid = 'framelease.parcel_view'::regclass
          union all select i.indexdef from pg_indexes as i where i.schemaname = 'framelease' and i.tablename = 'parcel_view'
          union all select format(
            '%s %s %s', c.relowner::regrole, c.reloptions, (select array_agg(a order by a::text) from unnest(c.relacl) as a))
          from pg_class as c where c.oid = 'framelease.parcel_view'::regclass) as lines
        """;

    PostgresEventStore OpenInline(params Projection[] inline) => Open(change: o => o with { Projections = new() { Inline = inline } });

    Task<bool> NothingIsLeftAsync() =>
        ScalarAsync<bool>("select not exists (select from pg_class where relnamespace = 'framelease_rebuild'::regnamespace)");

    async Task FillAsync(int parcels)
    {
        for (var i = 0; i < parcels; i++)
            await AppendAsync(NewStream(), new ParcelAccepted($"sender {i % 5}", i, ParcelSize.Letter), new ParcelSorted(i % 7),
                new ParcelHandedOver("x"));
    }

    [Fact]
    public async Task A_rebuilt_view_equals_the_running_one_byte_for_byte_and_so_does_its_table()
    {
        await FillAsync(30);
        var store = OpenWith(Views.ParcelView(), Views.ChuteView());
        var daemon = Start(store);
        await daemon.CatchUpAsync(Ct);
        var (parcels, chutes, catalogue) = (
            await ParcelsAsync(), await DumpAsync(Views.Chutes, "chute"), await ScalarAsync<string>(Catalogue));
        var id = await ScalarAsync<uint>("select 'framelease.parcel_view'::regclass::oid");
        var told = new List<RebuildProgress>();

        var result = await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, new Told(told.Add), Ct);
        await new ProjectionRebuild(store).RunAsync("chutes", RebuildMode.Swap, null, Ct);
        (await ScalarAsync<uint>("select 'framelease.parcel_view'::regclass::oid")).ShouldNotBe(id);
        (await ParcelsAsync()).ShouldBe(parcels);
        (await DumpAsync(Views.Chutes, "chute")).ShouldBe(chutes);
        (await ScalarAsync<string>(Catalogue)).ShouldBe(catalogue);
        result.Events.ShouldBeGreaterThanOrEqualTo(90);
        (await NothingIsLeftAsync()).ShouldBeTrue();

        // and it goes on from there
        await FillAsync(3);
        await daemon.CatchUpAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }

    sealed class Told(Action<RebuildProgress> tell) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => tell(value);
    }

    [Fact]
    public async Task Rebuilds_under_way_lose_and_double_nothing_of_an_asynchronous_view()
    {
        var store = OpenWith(Views.ParcelView());
        var daemon = Start(store, Quick with { BatchSize = 20 });
        using var end = new CancellationTokenSource();
        var writing = WriteUntilAsync(Store, end.Token);
        for (var i = 0; i < 5; i++) await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, null, Ct);
        await end.CancelAsync();
        await writing;
        await daemon.CatchUpAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
        (await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue();
    }

    [Fact]
    public async Task Rebuilds_under_way_lose_and_double_nothing_of_an_inline_view()
    {
        var store = OpenInline(Views.ParcelView());
        // what the other tests of this class appended is not in an inline view yet
        await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, null, Ct);
        using var end = new CancellationTokenSource();
        var writing = WriteUntilAsync(store, end.Token);
        for (var i = 0; i < 4; i++)
        {
            await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, null, Ct);
            // neither locks nor waits, and sees one moment although the writers go on
            var compared = await new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Compare, null, Ct);
            compared.IsEqual.ShouldBeTrue(string.Join('\n', compared.Comparisons[0].Differences));
        }

        await end.CancelAsync();
        await writing;
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }

    [Theory]
    [InlineData(RebuildMode.Swap)]
    [InlineData(RebuildMode.Compare)]
    public async Task A_rebuild_that_has_returned_keeps_no_other_one_out(RebuildMode mode)
    {
        var store = OpenInline(Views.ParcelView());
        for (var i = 0; i < 3; i++)
        {
            await new ProjectionRebuild(store).RunAsync("parcels", mode, null, Ct);
            (await ScalarAsync<long>("select count(*) from pg_locks where locktype = 'advisory' and classid = 1179403599 "
                + "and database = (select oid from pg_database where datname = current_database())")).ShouldBe(0);
        }
    }

    /// <summary>Six writers on shared streams.</summary>
    Task WriteUntilAsync(PostgresEventStore store, CancellationToken end)
    {
        var prefix = NewStream("busy");
        return Task.WhenAll(Enumerable.Range(0, 6).Select(async w =>
        {
            await Task.Yield();
            for (var i = 0; !end.IsCancellationRequested; i++)
                await store.OpenSession().AppendAny($"{prefix}-{(w + i) % 4}", new ParcelSorted(w), new ParcelHandedOver("y"))
                    .SaveChangesAsync(Ct);
        }));
    }

    [Fact]
    public async Task A_comparison_names_the_rows_that_differ_and_changes_nothing()
    {
        await FillAsync(3);
        var store = OpenWith(Views.ChuteView());
        await Start(store).CatchUpAsync(Ct);
        (await new ProjectionRebuild(store).RunAsync("chutes", RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue();
        await ExecuteAsync("update framelease.chute_view set parcels = -1 where chute = 2");
        try
        {
            var tampered = await DumpAsync(Views.Chutes, "chute");
            var comparison = (await new ProjectionRebuild(store).RunAsync("chutes", RebuildMode.Compare, null, Ct)).Comparisons.Single();
            comparison.IsEqual.ShouldBeFalse();
            comparison.Table.ShouldBe("framelease.chute_view");
            comparison.Differences.Count.ShouldBe(2);
            comparison.Differences[0].ShouldStartWith("- (2,-1,");
            comparison.Differences[1].ShouldStartWith("+ (2,");
            (await DumpAsync(Views.Chutes, "chute")).ShouldBe(tampered);
        }
        finally
        {
            await new ProjectionRebuild(store).RunAsync("chutes", RebuildMode.Swap, null, Ct);
        }

        (await new ProjectionRebuild(store).RunAsync("chutes", RebuildMode.Compare, null, Ct)).IsEqual.ShouldBeTrue();
        (await NothingIsLeftAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_new_version_is_made_beside_the_old_one_which_then_ends()
    {
        await FillAsync(5);
        var before = Views.ChuteView("versioned");
        var after = before with
        {
            Version = 2,
            Project = (events, view) =>
            {
                foreach (var e in events)
                    view.Execute($"""
                        insert into {Views.Chutes} as v values ({1000 + ((ParcelSorted)e.Data).Chute}, 1, {e.Timestamp}, {e.Sequence})
                        on conflict (chute) do update set parcels = v.parcels + 1, last_at = excluded.last_at,
                            last_sequence = excluded.last_sequence
                        """);
            },
        };
        // a table that is another projection's in other tests of this class
        await ExecuteAsync("delete from framelease_events.mt_event_progression where name = 'chutes:All'; truncate framelease.chute_view");
        var old = Start(OpenWith(before));
        await old.CatchUpAsync(Ct);
        var fresh = Start(OpenWith(after));
        await fresh.CatchUpAsync(Ct);
        // the old one learns of it when it next wants to write
        await FillAsync(2);
        await EventuallyAsync(async () => (await HealthAsync(old, "versioned")).State == ProjectionState.Superseded);
        await fresh.CatchUpAsync(Ct);
        (await ScalarAsync<string>("select format('%s %s', min(chute) >= 1000, sum(parcels)) from framelease.chute_view")).ShouldBe(
            $"t {await ScalarAsync<long>("select count(*) from framelease_events.mt_events where type = 'parcel_sorted'")}");
        (await ScalarAsync<string>("select string_agg(name, ' ') from framelease_events.mt_event_progression where name like 'versioned%'"))
            .ShouldBe("versioned:V2:All");
        await ExecuteAsync(
            "delete from framelease_events.mt_event_progression where name like 'versioned%'; truncate framelease.chute_view");
    }

    [Fact]
    public async Task A_second_rebuild_of_the_same_view_is_refused_while_one_runs()
    {
        await FillAsync(1);
        using var inside = new SemaphoreSlim(0);
        var isFirst = true;
        var store = OpenInline(Views.ParcelView("slow") with
        {
            Project = (_, _) =>
            {
                // called on a thread of the pool, which may wait
                if (isFirst) inside.Wait(Ct);
                isFirst = false;
            },
        });
        var first = new ProjectionRebuild(store).RunAsync("slow", RebuildMode.Compare, null, Ct);
        await EventuallyAsync(
            () => ScalarAsync<bool>("select exists (select from pg_locks where locktype = 'advisory' and classid = 1179403599)"));
        (await Should.ThrowAsync<RebuildRunningException>(() => new ProjectionRebuild(store).RunAsync("slow", RebuildMode.Swap, null, Ct)))
            .IsTransient.ShouldBeTrue();
        inside.Release();
        await first;
    }

    [Theory]
    [InlineData("n int primary key references framelease.other (n)", "has a foreign key")]
    [InlineData("n serial", "has a serial column")]
    [InlineData("n int generated always as identity", "has a serial column")]
    public async Task A_table_that_cannot_be_swapped_is_refused_with_the_reason(string columns, string reason)
    {
        await ExecuteAsync($"create table if not exists framelease.other (n int primary key); create table framelease.unfit ({columns})");
        try
        {
            var store = OpenInline(Views.ParcelView("unfit") with { Tables = [new("unfit")] });
            (await Should.ThrowAsync<ProjectionException>(() => new ProjectionRebuild(store).RunAsync("unfit", RebuildMode.Swap, null, Ct)))
                .Message.ShouldContain(reason);
        }
        finally
        {
            await ExecuteAsync("drop table framelease.unfit");
        }
    }

    [Fact]
    public async Task A_rebuild_that_fails_or_is_cancelled_leaves_the_running_view_and_nothing_else()
    {
        await FillAsync(2);
        var store = OpenWith(Views.ParcelView());
        await Start(store).CatchUpAsync(Ct);
        var running = await ParcelsAsync();
        using var cancelled = new CancellationTokenSource();
        var broken = OpenWith(Views.ParcelView() with { Project = (_, _) => throw new InvalidOperationException("no scale") });
        (await Should.ThrowAsync<ProjectionException>(() => new ProjectionRebuild(broken).RunAsync("parcels", RebuildMode.Swap, null, Ct)))
            .Message.ShouldContain("no scale");
        var cancelling = OpenWith(Views.ParcelView() with { Project = (_, _) => cancelled.Cancel() });
        await Should.ThrowAsync<OperationCanceledException>(
            () => new ProjectionRebuild(cancelling).RunAsync("parcels", RebuildMode.Swap, null, cancelled.Token));
        (await ParcelsAsync()).ShouldBe(running);
        (await NothingIsLeftAsync()).ShouldBeTrue();
        Should.Throw<ArgumentException>(
            () => new ProjectionRebuild(store).RunAsync("nobody", RebuildMode.Swap, null, Ct).GetAwaiter().GetResult())
            .Message.ShouldContain("there are: parcels");
    }

    [Fact]
    public async Task A_login_without_the_owners_rights_is_told_so()
    {
        await ExecuteAsync("""
            do $$ begin
              if not exists (
                  select from pg_roles where rolname = 'test_reader') then create role test_reader login in role framelease_app; end if;
            end $$
            """);
        var login = new NpgsqlConnectionStringBuilder(ConnectionString) { Username = "test_reader" }.ConnectionString;
        var store = Open(change: o => o with { ConnectionString = login, Projections = new() { Inline = [Views.ParcelView()] } });
        (await Should.ThrowAsync<ProjectionException>(() => new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, null, Ct)))
            .Message.ShouldContain("rights of the schema's owner");
    }

    [Fact]
    public async Task A_reader_that_holds_the_table_for_long_delays_the_swap_and_nothing_else()
    {
        await FillAsync(1);
        var store = OpenInline(Views.ParcelView());
        await using var reader = new NpgsqlConnection(ConnectionString);
        await reader.OpenAsync(Ct);
        await using var transaction = await reader.BeginTransactionAsync(Ct);
        await using (var read = new NpgsqlCommand("select count(*) from framelease.parcel_view", reader)) await read.ExecuteScalarAsync(Ct);
        var rebuild = new ProjectionRebuild(store).RunAsync("parcels", RebuildMode.Swap, null, Ct);
        await EventuallyAsync(
            () => ScalarAsync<bool>("select exists (select from pg_locks where mode = 'AccessExclusiveLock' and not granted)"));
        var clock = Stopwatch.StartNew();
        // waits behind the lock's queue at most as long as one try lasts
        await store.OpenSession().AppendAny(NewStream(), new ParcelSorted(1)).SaveChangesAsync(Ct);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await transaction.RollbackAsync(Ct);
        await rebuild;
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());
    }
}
