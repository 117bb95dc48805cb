// The golden file is the fact sheet of Marten 9.29's layout (string streams, single tenancy, all metadata columns): Marten compares columns
// by name and type, keys and indexes by name and columns, and drops what it does not know.
using System.Text;
using Framelease.EventStore.Tests.Support;
using Npgsql;

namespace Framelease.EventStore.Tests.Schema;

public sealed class CatalogueTests(PostgresServer server, TestDatabase database) : StoreTests(server, database)
{
    const string Query = """
        select line from (
          select 1 as part, c.relname as object, a.attnum as place,
            format('table %s column %s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              case when a.attnotnull then ' not null' else '' end, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
          from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
          where c.relkind = 'r' and c.relnamespace = 'framelease_events'::regnamespace
          union all
          select 2, c.conname, 0, format('constraint %s on %s %s', c.conname, c.conrelid::regclass, pg_get_constraintdef(c.oid))
          from pg_constraint as c where c.connamespace = 'framelease_events'::regnamespace and c.contype <> 'n'
          union all
          select 3, i.indexname, 0, i.indexdef from pg_indexes as i where i.schemaname = 'framelease_events'
          union all
          select 4, s.sequencename, 0, format('sequence %s %s start %s increment %s cache %s cycle %s owned by %s', s.sequencename, s.data_type, s.start_value,
            s.increment_by, s.cache_size, s.cycle, (select format('%s.%s', d.refobjid::regclass, a.attname) from pg_depend as d
              join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
              where d.objid = format('%I.%I', s.schemaname, s.sequencename)::regclass and d.deptype = 'a'))
          from pg_sequences as s where s.schemaname = 'framelease_events'
          union all
          select 5, p.proname, 0, format('function %s', p.proname) from pg_proc as p where p.pronamespace = 'framelease_events'::regnamespace
          union all
          select 6, t.tgname, 0, format('trigger %s', t.tgname) from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
          where c.relnamespace = 'framelease_events'::regnamespace and not t.tgisinternal
        ) as catalogue order by part, object, place
        """;

    [Fact]
    public async Task The_events_schema_holds_Martens_layout_and_nothing_else()
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(Query);
        var found = new StringBuilder();
        await using (var reader = await command.ExecuteReaderAsync(Ct))
            while (await reader.ReadAsync(Ct)) found.Append(reader.GetString(0)).Append('\n');
        var golden = Path.Combine(AppContext.BaseDirectory, "testassets", "catalogue.txt");
        await File.WriteAllTextAsync(golden + ".found", found.ToString(), Ct);
        found.ToString().Split('\n').ShouldBe((await File.ReadAllTextAsync(golden, Ct)).Split('\n'), $"found: {golden}.found");
    }
}
