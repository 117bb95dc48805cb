-- A guard: grants all slots of a round at once, or refuses the whole session (SlotMoved) if one of them is no longer free, under its token and in
-- service. Nothing is granted on a server whose authority was not taken over (R12).
create or replace function framelease.grant_slots(
  in_cluster varchar, in_nodes varchar[], in_devices varchar[], in_slots integer[], in_tokens bigint[], in_leases varchar[])
returns void language plpgsql as $$
declare
  granted integer;
begin
  perform framelease.require_authority();
  with wish as (
    select w.* from unnest(in_nodes, in_devices, in_slots, in_tokens, in_leases) as w (node, device, slot, token, lease)
  ), moved as (
    update framelease.slots s
       set state = 'Granted', token = w.token, lease_uid = w.lease, reason = null, changed_at = clock_timestamp()
      from wish w
     where s.cluster = in_cluster and s.node = w.node and s.device = w.device and s.slot = w.slot
       and s.state = 'Free' and s.token = w.token - 1 and s.out_of_service is null
    returning 1)
  select count(*) into granted from moved;
  if granted <> cardinality(in_leases) then
    perform framelease.raise('SlotMoved', format('%s of %s slots are no longer free under their tokens', cardinality(in_leases) - granted,
      cardinality(in_leases)));
  end if;
end $$;
