-- Takes a role that is free, released, silent for longer than p_ttl, or held under our own name (by a predecessor of ours); nulls otherwise.
-- Taking always makes a new epoch, so that whoever held it before is fenced, our own predecessor too. Looks first, without a lock, so that a
-- candidate never waits for (nor disturbs) a leader that is alive. Nobody leads on a server whose authority was not taken over.
create or replace function framelease.acquire_epoch(p_cluster varchar, p_role varchar, p_holder varchar, p_ttl interval,
  out r_epoch bigint, out r_renewed_at timestamptz)
language plpgsql as $$
begin
  perform from framelease.epochs as e
  where e.cluster = p_cluster and e.role = p_role and e.holder <> p_holder and e.renewed_at >= clock_timestamp() - p_ttl;
  if found then return; end if;
  perform framelease.require_authority();

  insert into framelease.epochs as e (cluster, role, epoch, holder) values
    (p_cluster, p_role, (select max(a.floor) + 1 from framelease.authority as a), p_holder)
  on conflict (cluster, role) do update set
    epoch = e.epoch + 1,
    holder = p_holder,
    renewed_at = clock_timestamp()
  where e.holder is null or e.holder = p_holder or e.renewed_at < clock_timestamp() - p_ttl
  returning e.epoch, e.renewed_at into r_epoch, r_renewed_at;
end
$$;
