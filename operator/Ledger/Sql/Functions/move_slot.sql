-- Moves a slot if, and only if, it is as the decision saw it; else the whole session is refused (SlotMoved).
create or replace function framelease.move_slot(
  in_cluster varchar, in_node varchar, in_device varchar, in_slot integer,
  from_state varchar, from_token bigint, to_state varchar, to_token bigint, to_lease varchar, why varchar)
returns void language plpgsql as $$
begin
  update framelease.slots
     set state = to_state, token = to_token, lease_uid = to_lease, reason = why, changed_at = clock_timestamp()
   where cluster = in_cluster and node = in_node and device = in_device and slot = in_slot
     and state = from_state and token = from_token;
  if not found then
    perform framelease.raise('SlotMoved', format('slot %s/%s#%s is no longer %s under token %s', in_node, in_device, in_slot, from_state, from_token));
  end if;
end $$;
