-- Authority, not a view (R1): one row a slot; its token grows with every grant and is never compared with another slot's.
create table framelease.slots (
  cluster      varchar     not null,
  node         varchar     not null,
  device       varchar     not null,
  slot         integer     not null,
  pool         varchar     not null,
  device_name  varchar     not null,
  device_kind  varchar     not null,
  device_index integer     not null,
  state        varchar     not null default 'Free' check (state in ('Free', 'Granted', 'Quarantined')),
  token        bigint      not null default 0,
  lease_uid    varchar,
  reason       varchar,
  changed_at   timestamptz not null default clock_timestamp(),
  primary key (cluster, node, device, slot),
  check ((state = 'Free') = (lease_uid is null))
);
create unique index slots_by_lease on framelease.slots (lease_uid) where lease_uid is not null;
create index slots_by_pool on framelease.slots (pool);
