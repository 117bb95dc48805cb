-- Who this server is: its system identifier, and the timeline that it writes (a standby: 0). The control file's timeline is that of the
-- last checkpoint, which comes some time after a promotion; the name of the file being written is exact.
create or replace function framelease.server_authority(out system_identifier varchar, out timeline bigint)
language sql as $$
  select s.system_identifier::text,
    case when pg_is_in_recovery() then 0 else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint end
  from pg_control_system() as s
$$;
