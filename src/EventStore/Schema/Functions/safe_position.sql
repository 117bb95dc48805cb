-- The position up to which the log is complete for ever: no event at or below it can still be committed.
-- Every writer, before it draws its first number, share-locks the key "last number drawn so far" until its transaction ends, and a
-- transaction is visible to new snapshots before its locks are gone. So, read in this order: (1) the last number drawn, (2) the lowest
-- key that is still locked. Numbers up to the lower of the two are settled: committed and visible to every later snapshot, or never.
-- A rolled-back number is just a hole; nobody waits for it. Call it in a statement of its own, before the one that reads the events.
create or replace function framelease.safe_position() returns bigint
language plpgsql as $$
declare
  v_last bigint;
  v_lowest bigint;
begin
  select case when is_called then last_value else 0 end into v_last from framelease_events.mt_events_sequence;
  -- keys hold the low 31 bits; a writer is never 2^31 events behind
  select min(v_last - ((v_last - l.objid::bigint) % 2147483648 + 2147483648) % 2147483648) into v_lowest
  from pg_locks as l
  where l.locktype = 'advisory' and l.classid = 1179403597 and l.objsubid = 2
    and l.database = (select d.oid from pg_database as d where d.datname = current_database());
  return least(v_last, v_lowest);
end
$$;
