-- A guard: moves a slot only if its row is still as the decision saw it; else the whole session is refused (SlotMoved).
-- Nothing is granted on a server whose authority was not taken over (R12). A slot that a change of authority has put into quarantine already
-- may be put there again by its lease; and while pods of before that change are left on its node, or holders without a pod on the slot, a lease
-- that lets it go does not free it. `why` is the proof then: those that tell of a process end the doubt about the lease's own holder, a person's
-- word and a machine that is off end all doubts about holders.
create or replace function framelease.move_slot(
  in_cluster varchar, in_node varchar, in_device varchar, in_slot integer,
  from_state varchar, from_token bigint, to_state varchar, to_token bigint, to_lease varchar, why varchar)
returns void language plpgsql as $$
declare
  goes_free boolean := to_state = 'Free';
begin
  if to_state = 'Granted' then
    perform framelease.require_authority();
  elsif goes_free then
    if exists (select from framelease.authority_holders as h where (h.node, h.device, h.slot) = (in_node, in_device, in_slot)) then
      update framelease.authority_holders as h set ended = why
       where (h.node, h.device, h.slot) = (in_node, in_device, in_slot) and h.ended is null
         and (why in ('Person', 'NodeOutOfService')
           or why in ('NodeAgent', 'NodeRebooted', 'LockDelay') and h.lease_uid = (
             select s.lease_uid from framelease.slots as s
              where s.cluster = in_cluster and s.node = in_node and s.device = in_device and s.slot = in_slot));
      if not exists (
        select from framelease.authority_holders as h
         where (h.node, h.device, h.slot) = (in_node, in_device, in_slot) and h.ended is null) then
        delete from framelease.authority_holders as h where (h.node, h.device, h.slot) = (in_node, in_device, in_slot);
      else
        goes_free := false;
      end if;
    end if;
    if not goes_free or exists (select from framelease.authority_pods as p where p.node = in_node) then
      to_state := 'Quarantined';
      to_lease := null;
      why := 'AuthorityChanged';
    end if;
  end if;
  update framelease.slots
     set state = to_state, lease_uid = to_lease,
         reason = case when to_state = 'Quarantined' and reason = 'AuthorityChanged' then reason when to_state = 'Free' then null else why end,
         changed_at = clock_timestamp(),
         token = case to_state when 'Free' then greatest(to_token, token_floor) else to_token end
   where cluster = in_cluster and node = in_node and device = in_device and slot = in_slot and token = from_token
     and (state = from_state or to_state = 'Quarantined' and state = 'Quarantined' and lease_uid = to_lease);
  if not found then
    perform framelease.raise('SlotMoved', format('slot %s/%s#%s is no longer %s under token %s', in_node, in_device, in_slot, from_state, from_token));
  end if;
end $$;
