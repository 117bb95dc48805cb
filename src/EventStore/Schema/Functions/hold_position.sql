-- All numbers that this transaction draws from now on lie above the lock's key: see safe_position. Take it after the row locks, so that
-- waiting for another writer never holds readers back.
create or replace function framelease.hold_position() returns void
-- plpgsql, because a function in SQL would be planned anew in each transaction
language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(1179403597, ((case when is_called then last_value else 0 end) & 2147483647)::int)
    from framelease_events.mt_events_sequence;
end
$$;
