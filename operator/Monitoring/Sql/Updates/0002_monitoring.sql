-- What the monitoring API asks for: what was decided lately, and what the monitor itself did.
create index lease_spans_granted on framelease.lease_spans (granted_at) where granted_at is not null;
create index lease_spans_ended_at on framelease.lease_spans (ended_at) where ended_at is not null;
create index lease_spans_held_now on framelease.lease_spans (granted_at) where granted_at is not null and ended_at is null;

alter table framelease.lease_spans add column drain_at timestamptz;

-- Authority of the leader of the controllers, one row: how often it has looked, and how often something was wrong.
create table framelease.monitor (
  only_one   boolean     primary key default true check (only_one),
  checks     bigint      not null default 0,
  unhealthy  bigint      not null default 0,
  warnings   bigint      not null default 0,
  checked_at timestamptz not null default '-infinity'
);
insert into framelease.monitor default values;
