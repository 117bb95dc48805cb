-- First statement of a session with a command id: waits for a running twin, refuses (FL002) when the command was already committed.
create or replace function framelease.begin_command(p_id varchar) returns void
language plpgsql as $$
begin
  insert into framelease.commands (id) values (p_id) on conflict (id) do nothing;
  if not found then
    raise exception using errcode = 'FL002', message = format('Command ''%s'' was already committed', p_id);
  end if;
end
$$;
