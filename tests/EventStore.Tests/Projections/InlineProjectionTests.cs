using Framelease.EventStore.Tests.Support;

namespace Framelease.EventStore.Tests.Projections;

public sealed class InlineProjectionTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    PostgresEventStore _inline = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await Store.MigrateAsync(Ct, Views.Schema);
        _inline = Open(change: o => o with { Projections = new() { Inline = [Views.ParcelView(), Views.ChuteView()] } });
    }

    Task<string> RowAsync(string parcel) =>
        ScalarAsync<string>($"select v::text from framelease.parcel_view as v where parcel = '{parcel}'");

    /// <summary>The row as the log says that it must be.</summary>
    Task<string> FromLogAsync(string parcel) => ScalarAsync<string>($"""
        select row(e.stream_id, max(e.data->>'sender'), max(e.data->>'grams')::int, max(e.data->>'size'), min(e.timestamp),
          max(e.timestamp), max(e.seq_id), max(e.version), count(*)::int)::text
        from framelease_events.mt_events as e where e.stream_id = '{parcel}' group by e.stream_id
        """);

    [Fact]
    public async Task A_view_is_written_with_what_the_database_decided_about_the_event()
    {
        var parcel = NewStream();
        await _inline.OpenSession().Append(parcel, 0, new ParcelAccepted("A", 7, ParcelSize.Box), new ParcelSorted(1)).SaveChangesAsync(Ct);
        (await RowAsync(parcel)).ShouldBe(await FromLogAsync(parcel));
        await _inline.OpenSession().Append(parcel, 2, new ParcelHandedOver("B")).SaveChangesAsync(Ct);
        (await RowAsync(parcel)).ShouldBe(await FromLogAsync(parcel));
    }

    [Fact]
    public async Task Also_when_the_append_expects_no_version_and_several_streams_share_a_session()
    {
        var (one, two) = (NewStream("z"), NewStream("a"));
        await _inline.OpenSession().AppendAny(one, new ParcelSorted(1), new ParcelSorted(2)).AppendAny(two, new ParcelSorted(3))
            .SaveChangesAsync(Ct);
        await _inline.OpenSession().AppendAny(one, new ParcelSorted(2)).AppendAny(two, new ParcelHandedOver("B"), new ParcelSorted(3))
            .SaveChangesAsync(Ct);
        (await RowAsync(one)).ShouldBe(await FromLogAsync(one));
        (await RowAsync(two)).ShouldBe(await FromLogAsync(two));
        (await ScalarAsync<string>("select v::text from framelease.chute_view as v where chute = 3")).ShouldBe(await ScalarAsync<string>("""
            select row(3, count(*), max(e.timestamp), max(e.seq_id))::text from framelease_events.mt_events as e
            where e.type = 'parcel_sorted' and e.data->>'chute' = '3'
            """));
    }

    [Fact]
    public async Task A_session_sees_the_view_in_its_own_query_and_a_refused_one_leaves_nothing_in_it()
    {
        var parcel = NewStream();
        var session = _inline.OpenSession().Append(parcel, 0, new ParcelSorted(1));
        var rows = session.Query(Sql("select events from framelease.parcel_view where parcel = $1", parcel), r => r.GetInt32(0));
        await session.SaveChangesAsync(Ct);
        rows.Rows.ShouldBe([1]);
        await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(
            () => _inline.OpenSession().Append(parcel, 5, new ParcelSorted(1)).SaveChangesAsync(Ct));
        (await RowAsync(parcel)).ShouldBe(await FromLogAsync(parcel));
    }

    [Fact]
    public async Task Concurrent_appends_leave_the_view_that_the_log_tells()
    {
        var parcels = Enumerable.Range(0, 3).Select(_ => NewStream()).ToList();
        await Task.WhenAll(Enumerable.Range(0, 60).Select(
            i => _inline.OpenSession().AppendAny(parcels[i % 3], new ParcelSorted(100 + (i % 2))).SaveChangesAsync(Ct)));
        foreach (var parcel in parcels) (await RowAsync(parcel)).ShouldBe(await FromLogAsync(parcel));
        (await ScalarAsync<long>("select sum(parcels)::bigint from framelease.chute_view where chute >= 100")).ShouldBe(60);
    }

    [Fact]
    public async Task A_projection_that_throws_refuses_the_append_under_its_name()
    {
        var projection = Views.ParcelView("broken") with { Project = (_, _) => throw new InvalidOperationException("no scale") };
        var broken = Open(change: o => o with { Projections = new() { Inline = [projection] } });
        var parcel = NewStream();
        var e = await Should.ThrowAsync<ProjectionException>(
            () => broken.OpenSession().Append(parcel, 0, new ParcelSorted(1)).SaveChangesAsync(Ct));
        e.Message.ShouldContain("'broken'");
        e.Message.ShouldContain("no scale");
        (await Store.FetchStreamAsync(parcel, 1, Ct)).Version.ShouldBe(0);
    }

    [Theory]
    [InlineData("Upper")]
    [InlineData("")]
    [InlineData("a-b")]
    public void A_name_that_is_no_name_is_refused(string name) =>
        Should.Throw<ArgumentException>(() => Open(change: o => o with { Projections = new() { Inline = [Views.ParcelView(name)] } }))
            .Message.ShouldContain("allowed");

    [Fact]
    public void What_is_declared_wrongly_is_refused_with_the_reason()
    {
        string Refusal(ProjectionSet set) => Should.Throw<ArgumentException>(() => Open(change: o => o with { Projections = set })).Message;
        Refusal(new() { Inline = [Views.ParcelView()], Asynchronous = [Views.ParcelView()] }).ShouldContain("declared twice");
        Refusal(new() { Inline = [Views.ParcelView("a"), Views.ParcelView("b")] }).ShouldContain("belongs to projection 'a'");
        Refusal(new() { Inline = [Views.ParcelView() with { Events = ["parcel_lost"] }] }).ShouldContain("not declared");
        Refusal(new() { Inline = [Views.ParcelView() with { Tables = [new("x; drop y")] }] }).ShouldContain("no name of a view's table");
    }
}
