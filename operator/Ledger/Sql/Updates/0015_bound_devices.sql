-- Which device a kubelet gave to the holder of a slot (binding DevicePlugin), under which token: it counts while the slot is granted under
-- it.
alter table framelease.slots
  add column bound_uuid varchar,
  add column bound_token bigint;
create index slots_by_bound_uuid on framelease.slots (bound_uuid) where bound_uuid is not null;
