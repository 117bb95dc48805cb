-- Where the log is complete for ever, and the last number drawn. The second is read last: when both are equal, nobody is writing.
create or replace function framelease.log_end(out r_safe bigint, out r_last bigint)
language plpgsql as $$
begin
  r_safe := framelease.safe_position();
  select case when is_called then last_value else 0 end into r_last from framelease_events.mt_events_sequence;
end
$$;
