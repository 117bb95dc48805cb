-- Refuses the session when the holder of a lease without a task has beaten since its silence was seen (SilenceBroken). The caller holds the lock
-- of the lease's row, which every such beat takes first.
create or replace function framelease.expect_holder_silence(in_lease varchar, seen bigint)
returns void language plpgsql as $$
begin
  perform 1 from framelease.holders where lease_uid = in_lease and sequence <> seen;
  if found then
    perform framelease.raise('SilenceBroken', format('the holder of lease %s has beaten since', in_lease));
  end if;
end $$;
