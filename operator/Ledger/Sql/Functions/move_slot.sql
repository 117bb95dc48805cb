-- A guard: moves a slot only if its row is still as the decision saw it; else the whole session is refused (SlotMoved).
-- Nothing is granted on a server whose authority was not taken over (R12). A slot that a change of authority has put into quarantine already
-- may be put there again by its lease; and while pods of before that change are left on its node, a lease that lets it go does not free it.
create or replace function framelease.move_slot(
  in_cluster varchar, in_node varchar, in_device varchar, in_slot integer,
  from_state varchar, from_token bigint, to_state varchar, to_token bigint, to_lease varchar, why varchar)
returns void language plpgsql as $$
begin
  if to_state = 'Granted' then
    perform framelease.require_authority();
  elsif to_state = 'Free' and exists (select from framelease.authority_pods as p where p.node = in_node) then
    to_state := 'Quarantined';
    to_lease := null;
    why := 'AuthorityChanged';
  end if;
  update framelease.slots
     set state = to_state, lease_uid = to_lease,
         reason = case when to_state = 'Quarantined' and reason = 'AuthorityChanged' then reason else why end,
         changed_at = clock_timestamp(),
         token = case to_state when 'Free' then greatest(to_token, token_floor) else to_token end
   where cluster = in_cluster and node = in_node and device = in_device and slot = in_slot and token = from_token
     and (state = from_state or to_state = 'Quarantined' and state = 'Quarantined' and lease_uid = to_lease);
  if not found then
    perform framelease.raise('SlotMoved', format('slot %s/%s#%s is no longer %s under token %s', in_node, in_device, in_slot, from_state, from_token));
  end if;
end $$;
