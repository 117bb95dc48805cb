-- Puts the table that make_shadow made in the place of the running one, with its owner and rights, in the caller's transaction.
create or replace function framelease.swap_view(p_table varchar) returns void
language plpgsql as $$
declare
  v_table regclass := format('framelease.%I', p_table)::regclass;
  v_shadow regclass := format('framelease_rebuild.%I', p_table)::regclass;
  v_owner name;
  v_right record;
begin
  select pg_get_userbyid(c.relowner) into v_owner from pg_class as c where c.oid = v_table;
  if v_owner <> current_user then
    execute format('alter table %s owner to %I', v_shadow, v_owner);
  end if;
  for v_right in select a.privilege_type, a.is_grantable,
      case when a.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end as grantee
    from pg_class as c, aclexplode(c.relacl) as a where c.oid = v_table and a.grantee <> c.relowner loop
    execute format('grant %s on %s to %s %s', v_right.privilege_type, v_shadow, v_right.grantee,
      case when v_right.is_grantable then 'with grant option' else '' end);
  end loop;
  execute format('drop table %s', v_table);
  execute format('alter table %s set schema framelease', v_shadow);
end
$$;
