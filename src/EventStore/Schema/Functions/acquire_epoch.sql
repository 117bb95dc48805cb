-- Takes a role that is free, released, silent for longer than p_ttl, or ours already; no row otherwise.
create or replace function framelease.acquire_epoch(p_cluster varchar, p_role varchar, p_holder varchar, p_ttl interval,
  out r_epoch bigint, out r_renewed_at timestamptz)
language sql as $$
  insert into framelease.epochs as e (cluster, role, epoch, holder) values (p_cluster, p_role, 1, p_holder)
  on conflict (cluster, role) do update set
    epoch = e.epoch + case when e.holder = p_holder then 0 else 1 end,
    holder = p_holder,
    renewed_at = clock_timestamp()
  where e.holder is null or e.holder = p_holder or e.renewed_at < clock_timestamp() - p_ttl
  returning epoch, renewed_at
$$;
