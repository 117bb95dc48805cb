-- Grades of a held lease (warned, asked to end, made to), its terms, and the way to its pool's silence.
alter table framelease.leases
  add column heartbeat_interval integer not null default 0,
  add column warning integer not null default 0,
  add column soft integer not null default 0,
  add column hard integer not null default 0,
  add column progress_timeout integer not null default 0,
  add column drain_grace integer not null default 0,
  add column warned_at timestamptz,
  add column stalled_at timestamptz,
  add column drain_at timestamptz,
  add column drain_cause varchar,
  add column drain_seconds integer,
  add column drain_message varchar;
create index leases_held on framelease.leases (uid) where state in ('Granted', 'Draining');
-- When something last moved, how often it did, and when the holder first heard that it is to end.
alter table framelease.liveness
  add column progress bigint not null default 0,
  add column progress_at timestamptz not null default clock_timestamp(),
  add column drain_told_at timestamptz;
