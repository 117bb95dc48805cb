-- The writers that hold back safe_position now. In the owner's rights, because others see no times of other roles' connections.
create or replace function framelease.position_holders()
returns table (r_pid int, r_since timestamptz, r_waits_for_client_since timestamptz)
language sql security definer set search_path = pg_catalog as $$
  select a.pid, a.xact_start, case when a.wait_event_type = 'Client' then greatest(a.xact_start, a.state_change) end
  from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
  where l.locktype = 'advisory' and l.classid = 1179403597 and l.objsubid = 2 and l.granted
    and l.database = (select d.oid from pg_database as d where d.datname = current_database())
$$;
