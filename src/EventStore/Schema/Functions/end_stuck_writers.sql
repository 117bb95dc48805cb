-- Ends the connections of writers whose client has said nothing for that long in the middle of a transaction that holds readers back: it is
-- paused or gone, and no time-out of PostgreSQL covers every such case. Their work is rolled back, so nothing is skipped; a writer that is
-- at work itself is never ended. In the owner's rights, as position_holders.
create or replace function framelease.end_stuck_writers(p_after interval) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
begin
  return (
    select count(*) filter (where pg_terminate_backend(h.r_pid))
    from framelease.position_holders() as h
    where h.r_waits_for_client_since < clock_timestamp() - p_after and h.r_pid <> pg_backend_pid());
end
$$;
