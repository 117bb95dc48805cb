-- A guard, after the grants of a round: refuses the session (DeviceMoved) if a device of theirs is degraded by now, or is on probation and has
-- more than one slot taken.
create or replace function framelease.expect_fit(in_cluster varchar, in_nodes varchar[], in_devices varchar[])
returns void language plpgsql as $$
declare
  unfit varchar;
begin
  select d.node || '/' || d.device into unfit
    from framelease.devices d join (select distinct * from unnest(in_nodes, in_devices) as w (node, device)) g using (node, device)
   where d.cluster = in_cluster and (d.fitness = 'Degraded' or d.fitness = 'Probation' and 1 < (
     select count(*) from framelease.slots s
      where s.cluster = in_cluster and s.node = d.node and s.device = d.device and s.state <> 'Free'))
   limit 1;
  if found then
    perform framelease.raise('DeviceMoved', format('device %s is not fit for another lease', unfit));
  end if;
end $$;
