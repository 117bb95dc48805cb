-- A guard: changes a device's health only if its row is still as the decision saw it (version 0 = there was none); else the whole session is
-- refused (DeviceMoved).
create or replace function framelease.change_device(
  in_cluster varchar, in_node varchar, in_device varchar, seen bigint, to_fitness varchar, by_whom varchar, why varchar, in_failures integer)
returns void language plpgsql as $$
begin
  insert into framelease.devices as d (cluster, node, device, fitness, found_by, reason, failures, version)
  select in_cluster, in_node, in_device, to_fitness, by_whom, why, in_failures, 1 where seen = 0
  on conflict (cluster, node, device) do nothing;
  if not found then
    update framelease.devices
       set fitness = to_fitness, found_by = by_whom, reason = why, failures = in_failures, since = clock_timestamp(), version = seen + 1
     where cluster = in_cluster and node = in_node and device = in_device and version = seen;
    if not found then
      perform framelease.raise('DeviceMoved', format('device %s/%s is no longer at version %s', in_node, in_device, seen));
    end if;
  end if;
end $$;
