-- An empty table in framelease_rebuild like a view's table: columns, defaults, checks, storage settings, and keys and indexes under the
-- same names. What would not survive the swap is refused (FL005).
create or replace function framelease.make_shadow(p_table varchar) returns void
language plpgsql as $$
declare
  v_table regclass := to_regclass(format('framelease.%I', p_table));
  v_shadow text := format('framelease_rebuild.%I', p_table);
  v_options text;
  v_reason text;
  v_item record;
begin
  select case
    when v_table is null then 'does not exist; run the schema update'
    when (select c.relkind from pg_class as c where c.oid = v_table) <> 'r' then 'is not an ordinary table'
    when exists (select from pg_constraint as c where c.contype = 'f' and v_table in (c.conrelid, c.confrelid)) then 'has a foreign key'
    when exists (select from pg_trigger as t where t.tgrelid = v_table and not t.tgisinternal) then 'has a trigger'
    when exists (select from pg_policy as p where p.polrelid = v_table) then 'has row security policies'
    when exists (select from pg_inherits as i where v_table in (i.inhrelid, i.inhparent)) then 'has partitions or heirs'
    when exists (select from pg_depend as d join pg_class as c on c.oid = d.objid and c.relkind = 'S'
      where d.refobjid = v_table and d.classid = 'pg_class'::regclass) then 'has a serial column, whose numbers no rebuild can repeat'
    when exists (select from pg_depend as d where d.refobjid = v_table and d.classid = 'pg_rewrite'::regclass) then 'has a view on it'
    end into v_reason;
  if v_reason is not null then
    raise exception using errcode = 'FL005', message = format('table ''%s'' %s', p_table, v_reason);
  end if;

  execute format('drop table if exists %s', v_shadow);
  execute format('create table %s (like %s including all excluding indexes excluding identity)', v_shadow, v_table);
  select array_to_string(c.reloptions, ', ') into v_options from pg_class as c where c.oid = v_table;
  if v_options <> '' then
    execute format('alter table %s set (%s)', v_shadow, v_options);
  end if;
  for v_item in select c.conname, pg_get_constraintdef(c.oid) as definition from pg_constraint as c
    where c.conrelid = v_table and c.contype in ('p', 'u', 'x') order by c.conname loop
    execute format('alter table %s add constraint %I %s', v_shadow, v_item.conname, v_item.definition);
  end loop;
  for v_item in select i.indisunique, c.relname, pg_get_indexdef(i.indexrelid) as definition
    from pg_index as i join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = v_table and not exists (select from pg_constraint as k where k.conindid = i.indexrelid) order by c.relname loop
    execute format('create %s index %I on %s using %s', case when v_item.indisunique then 'unique' else '' end, v_item.relname, v_shadow,
      substr(v_item.definition, position(' USING ' in v_item.definition) + 7));
  end loop;
end
$$;
