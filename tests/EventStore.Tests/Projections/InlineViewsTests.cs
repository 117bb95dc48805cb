using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Projections;

public sealed class InlineViewsTests(PostgresServer server, TestDatabase database) : DaemonTests(server, database)
{
    PostgresEventStore OpenInline(params Projection[] inline) => Open(change: o => o with { Projections = new() { Inline = inline } });

    Task<string> MadeAsync(string name) =>
        ScalarAsync<string>($"select version || ' ' || made_at from framelease.inline_views where name = '{name}'");

    [Fact]
    public async Task A_view_that_is_new_to_a_log_is_whole_after_the_update()
    {
        await AppendAsync(NewStream(), new ParcelAccepted("sender", 1, ParcelSize.Letter), new ParcelSorted(2));
        await OpenInline(Views.ParcelView()).MigrateAsync(Ct);
        (await ParcelsAsync()).ShouldBe(await ParcelsFromLogAsync());

        // and is not made again at every start
        var made = await MadeAsync("parcels");
        await OpenInline(Views.ParcelView()).MigrateAsync(Ct);
        (await MadeAsync("parcels")).ShouldBe(made);
    }

    [Fact]
    public async Task A_newer_version_is_made_anew_and_the_older_program_leaves_it()
    {
        await AppendAsync(NewStream(), new ParcelSorted(2));
        await OpenInline(Views.ChuteView("counted")).MigrateAsync(Ct);
        await OpenInline(Views.ChuteView("counted", version: 2)).MigrateAsync(Ct);
        var made = await MadeAsync("counted");
        made.ShouldStartWith("2 ");
        await OpenInline(Views.ChuteView("counted")).MigrateAsync(Ct);
        (await MadeAsync("counted")).ShouldBe(made);
    }

    [Fact]
    public async Task Of_several_replicas_that_start_at_once_one_makes_it_and_all_find_it()
    {
        await AppendAsync(NewStream(), new ParcelSorted(2));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenInline(Views.ChuteView("shared")).MigrateAsync(Ct)));
        (await new ProjectionRebuild(OpenInline(Views.ChuteView("shared"))).RunAsync("shared", RebuildMode.Compare, null, Ct))
            .IsEqual.ShouldBeTrue();
    }

    [Fact]
    public async Task On_an_empty_log_it_is_only_written_down()
    {
        var connection = await Server.CreateDatabaseAsync();
        await using var store = new PostgresEventStore(
            new() { ConnectionString = connection, NewId = Guid.CreateVersion7, Projections = new() { Inline = [Views.ParcelView()] } },
            Parcels.Registry(), TimeProvider.System);
        // its table is not there: a rebuild would fail
        await store.MigrateAsync(Ct);
        (await PostgresServer.ScalarAsync<int>(connection, "select version from framelease.inline_views where name = 'parcels'")).ShouldBe(1);
    }
}
