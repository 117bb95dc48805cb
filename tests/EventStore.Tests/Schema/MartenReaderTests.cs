// The statements in the shape in which Marten 9 sends them (load of a stream, its state, a daemon's page, the high-water mark), written anew.
using System.Text.Json;
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Schema;

public sealed class MartenReaderTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    const string Select = """
        select d.data, d.type, d.mt_dotnet_type, d.bdata, d.seq_id, d.id, d.stream_id, d.version, d.timestamp, d.tenant_id, d.correlation_id,
          d.causation_id, d.headers, d.user_name, d.is_archived
        from framelease_events.mt_events as d
        """;

    sealed record Row(string Data, string Type, string DotNetType, bool HasBinary, long Sequence, long Version, string Tenant, bool Archived);

    async Task<List<Row>> ReadAsync(string sql, params object[] values)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await using var reader = await command.ExecuteReaderAsync(Ct);
        var rows = new List<Row>();
        while (await reader.ReadAsync(Ct))
            rows.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), !reader.IsDBNull(3), reader.GetInt64(4), reader.GetInt64(7),
                reader.GetString(9), reader.GetBoolean(14)));
        return rows;
    }

    [Fact]
    public async Task A_stream_is_read_back_by_Martens_select_with_types_that_it_can_resolve()
    {
        var stream = NewStream();
        await Store.OpenSession(new("c", "k", "u", new Dictionary<string, string> { ["h"] = "v" }))
            .Append(stream, 0, new ParcelAccepted("A", 5, ParcelSize.Letter), new ParcelSorted(1)).SaveChangesAsync(Ct);
        await Store.OpenSession().Append(stream, 2, new ParcelHandedOver("B")).SaveChangesAsync(Ct);

        var rows = await ReadAsync(Select + " where d.is_archived = FALSE and d.stream_id = $1 and d.version <= $2 order by d.seq_id", stream, 3L);
        rows.Select(r => r.Version).ShouldBe([1, 2, 3]);
        rows.Select(r => r.Type).ShouldBe(["parcel_accepted", "parcel_sorted", "parcel_handed_over"]);
        rows.ShouldAllBe(r => !r.HasBinary && r.Tenant == "*DEFAULT*" && !r.Archived);
        // Marten loads an unregistered event by this name, and reads its data with the options that docs/marten.md names
        foreach (var row in rows) Type.GetType(row.DotNetType).ShouldNotBeNull();
        JsonSerializer.Deserialize(rows[0].Data, Type.GetType(rows[0].DotNetType)!, EventJson.CreateOptions())
            .ShouldBe(new ParcelAccepted("A", 5, ParcelSize.Letter));
    }

    [Fact]
    public async Task The_streams_row_agrees_with_its_events_because_Martens_next_append_trusts_it()
    {
        var stream = NewStream();
        await Store.OpenSession().Append(stream, 0, new ParcelSorted(1)).SaveChangesAsync(Ct);
        await Store.OpenSession().AppendAny(stream, new ParcelSorted(2), new ParcelSorted(3)).SaveChangesAsync(Ct);
        (await ScalarAsync<string>($"""
            select format('%s %s %s %s', s.version, s.tenant_id, s.is_archived, s.timestamp = (select max(e.timestamp) from framelease_events.mt_events as e where e.stream_id = s.id))
            from framelease_events.mt_streams as s where s.id = '{stream}' and s.created <= s.timestamp
            """)).ShouldBe("3 *DEFAULT* f t");
    }

    [Fact]
    public async Task A_daemons_page_joins_events_with_their_streams()
    {
        var floor = await Store.LatestSequenceAsync(Ct);
        var stream = NewStream();
        var ceiling = (await Store.OpenSession().Append(stream, 0, new ParcelSorted(1), new ParcelSorted(2)).SaveChangesAsync(Ct)).LastSequence;
        var rows = await ReadAsync(Select + """
             inner join framelease_events.mt_streams as s on d.stream_id = s.id
            where d.seq_id > $1 and d.seq_id <= $2 and d.type = any ($3) and d.is_archived = FALSE order by d.seq_id limit 500
            """, floor, ceiling, new[] { "parcel_sorted" });
        rows.Select(r => r.Sequence).ShouldBe([floor + 1, floor + 2]);
    }

    [Fact]
    public async Task Martens_high_water_walk_finds_no_gap_after_ordinary_appends_and_refusals()
    {
        var mark = await Store.LatestSequenceAsync(Ct);
        var stream = NewStream();
        for (var i = 0; i < 10; i++)
        {
            await Store.OpenSession().Append(stream, i, new ParcelSorted(i)).SaveChangesAsync(Ct);
            await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(() => Store.OpenSession().Append(stream, i, new ParcelSorted(i)).SaveChangesAsync(Ct));
        }
        (await ScalarAsync<long>($"""
            select count(*) from (select seq_id, lead(seq_id) over (order by seq_id) as next from framelease_events.mt_events where seq_id > {mark}) as w
            where next - seq_id > 1
            """)).ShouldBe(0);
        (await ScalarAsync<long>("select last_value from framelease_events.mt_events_sequence")).ShouldBe(mark + 10);
    }
}
