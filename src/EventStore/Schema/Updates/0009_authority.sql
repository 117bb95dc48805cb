-- Which server had authority over the log, one row an incarnation; the newest is in force. A restored dump or a promoted standby has
-- another
-- system identifier or timeline than the newest row: nobody leads and nothing is handed out there until it was taken over, above the floor.
-- A log that is older than this table may itself be a restored one: its first row is nobody's, so that the first start takes it over.
create table framelease.authority (
  incarnation       bigint      not null,
  system_identifier varchar     not null,
  timeline          bigint      not null,
  floor             bigint      not null,
  reason            varchar     not null,
  since             timestamptz not null default clock_timestamp(),
  constraint authority_pkey primary key (incarnation)
);
comment on column framelease.authority.floor is 'every fencing number (token, epoch) handed out in this incarnation lies above it';
insert into framelease.authority (incarnation, system_identifier, timeline, floor, reason)
select 0, '', 0, 0, 'the log is older than this table' where exists (select from framelease_events.mt_events)
union all
select 1, s.system_identifier::text, ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint, 0,
  'the log begins here'
from pg_control_system() as s where not exists (select from framelease_events.mt_events);
