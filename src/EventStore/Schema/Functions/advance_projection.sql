-- Moves a projection from one position to the next, in the transaction of the view's writes: whoever finds another position (FL004; detail:
-- the actual one, -1 when there is none) was overtaken and writes nothing. So a view is written exactly once, by however many programs.
-- Need not be on disk before it is acknowledged: position and view are lost or kept together.
create or replace function framelease.advance_projection(p_name varchar, p_floor bigint, p_ceiling bigint) returns void
language plpgsql as $$
declare
  v_actual bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  update framelease_events.mt_event_progression as p set last_seq_id = p_ceiling, last_updated = clock_timestamp()
  where p.name = p_name and p.last_seq_id = p_floor;
  if not found then
    select p.last_seq_id into v_actual from framelease_events.mt_event_progression as p where p.name = p_name;
    raise exception using errcode = 'FL004', detail = coalesce(v_actual, -1)::text,
      message = format('Progress of ''%s'' is %s, not %s', p_name, coalesce(v_actual::text, 'gone'), p_floor);
  end if;
end
$$;
