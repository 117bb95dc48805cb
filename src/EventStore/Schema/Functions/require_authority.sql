-- Refuses (FL003) on a server that did not write the newest incarnation: a restored dump, a promoted standby, until it was taken over.
create or replace function framelease.require_authority() returns void
language plpgsql as $$
declare
  v_recorded record;
  v_server record;
begin
  select a.incarnation, a.system_identifier, a.timeline, a.origin into v_recorded from framelease.authority as a
    order by a.incarnation desc limit 1;
  select s.system_identifier, s.timeline into v_server from framelease.server_authority() as s;
  if v_server.timeline = 0 then
    raise exception using errcode = '25006', message = 'the server is a standby';
  end if;
  if v_recorded is null or v_recorded.system_identifier <> v_server.system_identifier or v_recorded.timeline <> v_server.timeline then
    raise exception using errcode = 'FL003',
      message = format('Incarnation %s of the authority was system %s, timeline %s; this server is system %s, timeline %s',
      coalesce(v_recorded.incarnation, 0), coalesce(nullif(v_recorded.system_identifier, ''), 'unknown'), coalesce(v_recorded.timeline, 0),
      v_server.system_identifier, v_server.timeline);
  end if;
  if v_recorded.origin <> ('framelease.authority'::regclass)::oid::bigint then
    raise exception using errcode = 'FL003',
      message = format('Incarnation %s of the authority was written to other tables: these were restored from a dump',
        v_recorded.incarnation);
  end if;
end
$$;
