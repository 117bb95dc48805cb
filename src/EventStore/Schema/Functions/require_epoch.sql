-- The fence of a leader (FL001): its epoch must still be the current one, and stays so until this transaction ends.
create or replace function framelease.require_epoch(p_cluster varchar, p_role varchar, p_epoch bigint) returns void
language plpgsql as $$
declare
  v_epoch bigint;
begin
  select epoch into v_epoch from framelease.epochs where cluster = p_cluster and role = p_role for share;
  if v_epoch is distinct from p_epoch then
    raise exception using errcode = 'FL001', detail = coalesce(v_epoch, 0)::text,
      message = format('Epoch %s of role ''%s'' in cluster ''%s'' is not current; current is %s', p_epoch, p_role, p_cluster, coalesce(v_epoch, 0));
  end if;
end
$$;
