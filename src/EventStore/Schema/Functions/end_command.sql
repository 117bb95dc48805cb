-- Last statement of a session with a command id: keeps what it committed.
create or replace function framelease.end_command(p_id varchar) returns timestamptz
language sql as $$
  update framelease.commands
  set result = coalesce(nullif(current_setting('framelease.commit', true), ''), '[]')::jsonb, committed_at = clock_timestamp()
  where id = p_id
  returning committed_at
$$;
