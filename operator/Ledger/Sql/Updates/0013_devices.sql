-- Authority, as slots are: how fit each device is that was ever found unfit. A device without a row is healthy.
create table framelease.devices (
  cluster  varchar     not null,
  node     varchar     not null,
  device   varchar     not null,
  fitness  varchar     not null check (fitness in ('Healthy', 'Degraded', 'Probation')),
  found_by varchar,
  reason   varchar,
  failures integer     not null,
  since    timestamptz not null default clock_timestamp(),
  version  bigint      not null,
  constraint devices_pkey primary key (cluster, node, device)
);
