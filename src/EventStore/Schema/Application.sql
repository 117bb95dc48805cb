-- What the application may do: everything with our own tables, but with the log only read and append. Run at the end of every update.
do $$
begin
  if not exists (select from pg_roles where rolname = 'framelease_app') then
    begin
      create role framelease_app nologin;
    exception when duplicate_object or unique_violation then
      null; -- another database of this server is being updated at the same time
    end;
  end if;
  if not pg_has_role(current_user, 'framelease_app', 'member') then
    execute format('grant framelease_app to %I', current_user);
  end if;
end
$$;
grant usage on schema framelease_events, framelease to framelease_app;
grant select, insert on framelease_events.mt_events to framelease_app;
grant select, insert, update (type, version, timestamp) on framelease_events.mt_streams to framelease_app;
grant select, usage on framelease_events.mt_events_sequence to framelease_app;
grant select, insert, update, delete on framelease_events.mt_event_progression to framelease_app;
grant select on framelease_events.mt_high_water_skips to framelease_app;
grant select, insert, update, delete on all tables in schema framelease to framelease_app;
grant usage on all sequences in schema framelease to framelease_app;
revoke insert, update, delete on framelease.schema_updates from framelease_app;
revoke update, delete on framelease.authority from framelease_app;
