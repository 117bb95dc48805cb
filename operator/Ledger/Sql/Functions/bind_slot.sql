-- A guard: notes which device the holder of a slot sees, if it holds it under this token (else SlotMoved). Where devices are not shared,
-- the session is refused (DeviceBound) while the holder of another slot sees the same one; two who come at once take turns.
create or replace function framelease.bind_slot(
  in_cluster varchar, in_node varchar, in_device varchar, in_slot integer, in_token bigint, in_uuid varchar, exclusive boolean)
returns void language plpgsql as $$
declare
  other varchar;
begin
  perform pg_advisory_xact_lock(hashtextextended('bind_slot ' || in_cluster || ' ' || in_uuid, 0));
  select format('%s/%s#%s', s.node, s.device, s.slot) into other from framelease.slots s
   where exclusive and s.cluster = in_cluster and s.bound_uuid = in_uuid and s.bound_token = s.token and s.state = 'Granted'
     and (s.node, s.device, s.slot) <> (in_node, in_device, in_slot) limit 1;
  if found then
    perform framelease.raise('DeviceBound', format('device %s is that of slot %s', in_uuid, other));
  end if;
  update framelease.slots set bound_uuid = in_uuid, bound_token = in_token
   where cluster = in_cluster and node = in_node and device = in_device and slot = in_slot and token = in_token and state = 'Granted';
  if not found then
    perform framelease.raise(
      'SlotMoved', format('slot %s/%s#%s is no longer granted under token %s', in_node, in_device, in_slot, in_token));
  end if;
end $$;
