-- Makes this server the authority: a new incarnation, and every leader of the ones before is fenced. p_seen: the incarnation that the
-- caller saw as the newest; refuses when another one was faster. The step over the last epoch covers those that the lost history may have
-- had.
create or replace function framelease.take_authority(p_seen bigint, p_floor bigint, p_reason varchar) returns bigint
language plpgsql as $$
declare
  v_newest bigint;
begin
  perform pg_advisory_xact_lock(1179403598, 1);
  select coalesce(max(a.incarnation), 0) into v_newest from framelease.authority as a;
  if v_newest <> p_seen then
    perform framelease.raise('AuthorityTaken', format('incarnation %s is newer than %s', v_newest, p_seen));
  end if;
  insert into framelease.authority (incarnation, system_identifier, timeline, floor, reason)
  select v_newest + 1, s.system_identifier, s.timeline, greatest(p_floor, coalesce((select max(a.floor) from framelease.authority as a),
    0)), p_reason
  from framelease.server_authority() as s;
  update framelease.epochs set epoch = greatest(epoch, p_floor) + 1000000, holder = null;
  return v_newest + 1;
end
$$;
