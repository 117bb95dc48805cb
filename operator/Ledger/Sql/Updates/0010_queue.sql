-- The queue of a pool, sorted once when a lease comes: by queue_at = requested_at − 60 s × points. Groups of one tenant and one need are read by
-- their heads, so that a round does not depend on the length of the queue.
alter table framelease.leases
  add column tenant varchar not null default '',
  add column points integer not null default 0,
  add column vram integer not null default 0,
  add column encode integer not null default 0,
  add column decode integer not null default 0,
  add column queue_at timestamptz,
  add column give_up_at timestamptz,
  add column lock_delay integer not null default 0;
update framelease.leases
   set queue_at = requested_at, give_up_at = case when max_wait > 0 then requested_at + make_interval(secs => max_wait) end;
drop index framelease.leases_waiting;
create index leases_queue on framelease.leases (pool, tenant, vram, encode, decode, queue_at, uid) where state = 'Pending';
create index leases_order on framelease.leases (pool, queue_at, uid) where state = 'Pending';
create index leases_giving_up on framelease.leases (pool, give_up_at) where state = 'Pending' and give_up_at is not null;
create index leases_held_by_tenant on framelease.leases (tenant) where state in ('Granted', 'Draining');
-- What a slot's device has, and why it gets no lease now.
alter table framelease.slots
  add column memory integer not null default 0,
  add column encode integer not null default 0,
  add column decode integer not null default 0,
  add column out_of_service varchar,
  add column out_reason varchar;
-- Why the leases of a group wait, as the last round said: a restart forgets nothing, and every replica can tell.
create table framelease.waits (
  pool       varchar     not null,
  tenant     varchar     not null,
  vram       integer     not null,
  encode     integer     not null,
  decode     integer     not null,
  code       varchar     not null,
  message    varchar     not null,
  changed_at timestamptz not null default clock_timestamp(),
  constraint waits_pkey primary key (pool, tenant, vram, encode, decode)
);
